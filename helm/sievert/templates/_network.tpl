{{/* Pods of a namespace. */}}
{{- define "sievert.peer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .namespace }}
{{- with .podLabels }}
podSelector:
  matchLabels:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{- define "sievert.apiServer" -}}
- to:
  {{- range .Values.networkPolicy.apiServer }}
    - ipBlock:
        cidr: {{ . | quote }}
  {{- end }}
  ports:
    - {port: 443, protocol: TCP}
    - {port: 6443, protocol: TCP}
{{- end -}}

{{/* Who may ask a head, and whom it asks: dict "root" "component" "part". */}}
{{- define "sievert.headPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $ours := include "sievert.ours" .root -}}
{{- $service := eq .component "inference" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "sievert.fullname" .root }}-{{ .component }}-head
  labels:
    {{- include "sievert.labels" .root | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- $ours | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
      {{- if not $service }}
      ray.io/node-type: head
      {{- end }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - {{- include "sievert.peer" $policy.operator | nindent 10 | trim | printf " %s" }}
      ports:
        - {port: 8265, protocol: TCP}
        {{- if $service }}
        - {port: 8000, protocol: TCP}
        {{- end }}
    {{- if eq .component "nightly" }}
    - from:
        - podSelector:
            matchLabels:
              {{- $ours | nindent 14 }}
              app.kubernetes.io/component: nightly-submit
      ports:
        - {port: 8265, protocol: TCP}
    {{- end }}
    {{- $asked := ternary $policy.submitters $policy.clients (eq .component "research") }}
    {{- if and $asked (ne .component "nightly") }}
    - from:
        {{- range $asked }}
        - {{- include "sievert.peer" . | nindent 10 | trim | printf " %s" }}
        {{- end }}
      ports:
        - {port: {{ ternary 8000 8265 $service }}, protocol: TCP}
    {{- end }}
  {{- $redis := and $service (include "sievert.ownRedis" .root) }}
  {{- if or .part.autoscaling.enabled $redis }}
  egress:
    {{- if .part.autoscaling.enabled }}
    {{- include "sievert.apiServer" .root | nindent 4 }}
    {{- end }}
    {{- if $redis }}
    - to:
        - podSelector:
            matchLabels:
              {{- $ours | nindent 14 }}
              app.kubernetes.io/component: redis
      ports:
        - {port: 6379, protocol: TCP}
    {{- end }}
  {{- else }}
  egress: []
  {{- end }}
{{- end -}}
