{{/* The spec of a RayCluster: dict "root" "component" "part". */}}
{{- define "sievert.cluster" -}}
{{- $root := .root -}}
rayVersion: {{ $root.Values.rayVersion | quote }}
authOptions:
  mode: token
  {{- with $root.Values.auth.existingSecret }}
  secretName: {{ . }}
  {{- end }}
{{- if .part.autoscaling.enabled }}
enableInTreeAutoscaling: true
autoscalerOptions:
  version: v2
  upscalingMode: Default
  idleTimeoutSeconds: {{ .part.autoscaling.idleSeconds }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  env:
    - name: HOME
      value: /tmp
  resources:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 500m, memory: 1Gi}
  securityContext:
    {{- include "sievert.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    - name: ray-logs
      mountPath: /tmp/ray
{{- else }}
enableInTreeAutoscaling: false
{{- end }}
{{- if eq .component "inference" }}
gcsFaultToleranceOptions:
  redisAddress: {{ $root.Values.inference.redis.address | default (printf "%s-redis:6379" (include "sievert.fullname" $root)) | quote }}
  redisPassword:
    valueFrom:
      secretKeyRef:
        name: {{ include "sievert.redisSecret" $root }}
        key: password
{{- end }}
headGroupSpec:
  rayStartParams:
    # a head that runs no tasks does not run out of memory by them
    num-cpus: "0"
    object-store-memory: {{ include "sievert.objectStore" .part.head | quote }}
    {{- if eq .component "inference" }}
    # what anchors asks for `signer`, so that it runs here: no worker is given the signer's key
    resources: {{ `"{\"signer\": 1}"` | quote }}
    {{- end }}
  template:
    {{- include "sievert.pod" (dict "root" $root "component" .component "machine" .part.head "head" true "scaled" .part.autoscaling.enabled) | nindent 4 }}
workerGroupSpecs:
{{- range .part.groups }}
{{- $group := mergeOverwrite (deepCopy $root.Values.groupDefaults) . }}
  - groupName: {{ $group.name }}
    {{- if $.part.autoscaling.enabled }}
    replicas: {{ max (int $group.replicas) (int $group.minReplicas) }}
    minReplicas: {{ $group.minReplicas }}
    maxReplicas: {{ $group.maxReplicas }}
    {{- else }}
    replicas: {{ $group.replicas }}
    minReplicas: {{ $group.replicas }}
    maxReplicas: {{ max (int $group.replicas) 1 }}
    {{- end }}
    rayStartParams:
      num-cpus: {{ $group.cpus | quote }}
      # KubeRay counts only resources whose name ends with `gpu`, and a slice's does not
      num-gpus: {{ $group.gpus | quote }}
      object-store-memory: {{ include "sievert.objectStore" $group | quote }}
    template:
      {{- include "sievert.pod" (dict "root" $root "component" $.component "machine" $group "head" false "scaled" false) | nindent 6 }}
{{- end }}
{{- end -}}

{{/* A little less than the volume, else Ray leaves it for the disk. */}}
{{- define "sievert.objectStore" -}}
{{- mul (int .objectStoreGib) 1048576 1000 -}}
{{- end -}}

{{/* The template of one of Ray's pods: dict "root" "component" "machine" "head" "scaled". */}}
{{- define "sievert.pod" -}}
{{- $root := .root -}}
{{- /* jobs of researchers run on their head: what it is given, they can read */ -}}
{{- $signs := and .head (or (ne .component "research") $root.Values.research.signs) -}}
{{- $given := merge (dict "signs" $signs) . -}}
{{- $gpus := ternary 0 (int .machine.gpus) .head -}}
metadata:
  labels:
    {{- include "sievert.ours" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    # other settings are another version: a RayService rolls over to it
    checksum/settings: {{ include "sievert.toml" $root | sha256sum }}
spec:
  serviceAccountName: {{ include "sievert.fullname" $root }}-{{ ternary "head" "worker" .head }}
  # the autoscaler alone speaks to the API server
  automountServiceAccountToken: {{ .scaled }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ ternary 90 30 (eq .component "inference") }}
  securityContext:
    {{- include "sievert.podSecurity" $root | nindent 4 }}
  {{- with include "sievert.pullSecrets" $root | trim }}{{ . | nindent 2 }}{{ end }}
  {{- with include "sievert.placement" . | trim }}{{ . | nindent 2 }}{{ end }}
  {{- if and (eq .component "inference") (not .head) }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "sievert.ours" $root | nindent 10 }}
          app.kubernetes.io/component: {{ .component }}
  {{- end }}
  containers:
    - name: {{ ternary "ray-head" "ray-worker" .head }}
      image: {{ include "sievert.image" (dict "root" $root "flavour" (ternary "cuda" "cpu" (gt $gpus 0))) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      securityContext:
        {{- include "sievert.containerSecurity" $root | nindent 8 }}
      env:
        {{- include "sievert.env" $given | nindent 8 }}
      {{- with include "sievert.envFrom" $given | trim }}{{ . | nindent 6 }}{{ end }}
      ports:
        {{- if .head }}
        - {name: gcs-server, containerPort: 6379}
        - {name: dashboard, containerPort: 8265}
        {{- end }}
        - {name: metrics, containerPort: 8080}
        {{- if eq .component "inference" }}
        - {name: serve, containerPort: 8000}
        {{- end }}
      resources:
        {{- range list "requests" "limits" }}
        {{ . }}:
          cpu: {{ $.machine.cpus | quote }}
          memory: {{ $.machine.memoryGib }}Gi
          ephemeral-storage: {{ add (int $.machine.scratchGib) 3 }}Gi
          {{- if $gpus }}
          {{ $.machine.gpuResource }}: {{ $gpus | quote }}
          {{- end }}
        {{- end }}
      {{- include "sievert.probes" . | nindent 6 }}
      volumeMounts:
        {{- include "sievert.mounts" $given | nindent 8 }}
  volumes:
    {{- include "sievert.volumes" $given | nindent 4 }}
{{- end -}}

{{/* Ray answers these without a token. Workers of the service get KubeRay's own readiness, which asks the proxy too. */}}
{{- define "sievert.probes" -}}
startupProbe:
  httpGet: {path: /api/healthz, port: 52365}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /api/healthz, port: 52365}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 12
{{- if or .head (ne .component "inference") }}
readinessProbe:
  httpGet: {path: /api/healthz, port: 52365}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
{{- end -}}
