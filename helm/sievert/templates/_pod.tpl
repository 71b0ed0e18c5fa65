{{/* What Pod Security "restricted" asks of a pod. */}}
{{- define "sievert.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.user }}
runAsGroup: {{ .Values.podSecurity.group }}
fsGroup: {{ .Values.podSecurity.group }}
fsGroupChangePolicy: {{ .Values.podSecurity.fsGroupChangePolicy }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* ... and of each of its containers. */}}
{{- define "sievert.containerSecurity" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "sievert.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a machine of the values may run: dict "machine". */}}
{{- define "sievert.placement" -}}
{{- with .machine.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .machine.tolerations }}
tolerations:
{{- range . }}
  - operator: {{ .operator | default "Exists" }}
    {{- with .key }}
    key: {{ . | quote }}
    {{- end }}
    {{- if eq (.operator | default "Exists") "Equal" }}
    value: {{ .value | default "" | quote }}
    {{- end }}
    {{- with .effect }}
    effect: {{ . }}
    {{- end }}
{{- end }}
{{- end }}
{{- with .machine.priorityClass }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Environment of Ray's containers: dict "root" "component" "signs". The root is read-only, so home is in /tmp. */}}
{{- define "sievert.env" -}}
- name: HOME
  value: /tmp
- name: SIEVERT_CONFIG
  value: /etc/sievert/sievert.toml
- name: RAY_USAGE_STATS_ENABLED
  value: "0"
{{- if eq .component "inference" }}
- name: RAY_SERVE_ENABLE_HA_PROXY
  value: "1"
{{- /* closes HAProxy's statistics and its table of routes before it starts */}}
- name: RAY_SERVE_HAPROXY_BINARY_PATH
  value: /usr/local/bin/sievert-haproxy
{{- end }}
{{- if and .signs (eq .root.Values.ledger.kind "rpc") }}
- name: SIEVERT_LEDGER__URL
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.ledger.existingSecret }}
      key: url
{{- end }}
{{- end -}}

{{- define "sievert.envFrom" -}}
{{- $secrets := .root.Values.secrets }}
{{- if or $secrets.everywhere (and .signs $secrets.driver) }}
envFrom:
{{- with $secrets.everywhere }}
  - secretRef:
      name: {{ . }}
{{- end }}
{{- if .signs }}
{{- with $secrets.driver }}
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sievert.mounts" -}}
{{- $values := .root.Values -}}
- name: tmp
  mountPath: /tmp
- name: ray-logs
  mountPath: /tmp/ray
- name: shared-mem
  mountPath: /dev/shm
- name: settings
  mountPath: /etc/sievert
  readOnly: true
- name: keys
  mountPath: /keys
{{- if eq $values.results.kind "pvc" }}
- name: results
  mountPath: /results
{{- end }}
{{- if and $values.images.enabled (ne .component "inference") }}
- name: images
  mountPath: /images
  readOnly: true
{{- end }}
{{- if $values.models.existingClaim }}
- name: models
  mountPath: /models
  readOnly: true
{{- end }}
{{- if .signs }}
{{- if eq $values.ledger.kind "embedded" }}
- name: ledger
  mountPath: /ledger
{{- else }}
- name: signer
  mountPath: /secrets/ledger
  readOnly: true
{{- end }}
{{- if $values.keys.passphraseSecret }}
- name: passphrase
  mountPath: /secrets/keys
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{/* dict "root" "component" "signs" "machine". /tmp/ray and /dev/shm have the names that KubeRay would give them. */}}
{{- define "sievert.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir:
    sizeLimit: 2Gi
- name: ray-logs
  emptyDir:
    sizeLimit: {{ .machine.scratchGib }}Gi
- name: shared-mem
  emptyDir:
    medium: Memory
    sizeLimit: {{ .machine.objectStoreGib }}Gi
- name: settings
  configMap:
    name: {{ include "sievert.fullname" .root }}-settings
- name: keys
  persistentVolumeClaim:
    claimName: {{ include "sievert.claim" (dict "root" .root "name" "keys" "claim" $values.keys.claim) }}
{{- if eq $values.results.kind "pvc" }}
- name: results
  persistentVolumeClaim:
    claimName: {{ include "sievert.claim" (dict "root" .root "name" "results" "claim" $values.results.claim) }}
{{- end }}
{{- if and $values.images.enabled (ne .component "inference") }}
- name: images
  persistentVolumeClaim:
    claimName: {{ include "sievert.claim" (dict "root" .root "name" "images" "claim" $values.images) }}
    readOnly: true
{{- end }}
{{- with $values.models.existingClaim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- if .signs }}
{{- if eq $values.ledger.kind "embedded" }}
- name: ledger
  persistentVolumeClaim:
    claimName: {{ include "sievert.claim" (dict "root" .root "name" "ledger" "claim" $values.ledger.claim) }}
{{- else }}
- name: signer
  secret:
    secretName: {{ $values.ledger.existingSecret }}
    defaultMode: 0440
    items:
      - key: keystore.json
        path: keystore.json
      - key: passphrase
        path: passphrase
{{- end }}
{{- with $values.keys.passphraseSecret }}
- name: passphrase
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: passphrase
        path: passphrase
{{- end }}
{{- end }}
{{- end -}}
