{{/* What all objects are named after. The longest name made of it, of a nightly RayJob, has 21 characters more; KubeRay takes 47. */}}
{{- define "sievert.fullname" -}}
{{- $given := ternary .Release.Name (printf "%s-sievert" .Release.Name) (contains "sievert" .Release.Name) -}}
{{- $name := .Values.fullnameOverride | default $given -}}
{{- if gt (len $name) 26 -}}
{{- fail (printf "objects would be named after %q, which has %d characters; KubeRay's limits leave 26: choose a shorter release name, or set fullnameOverride" $name (len $name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "objects would be named after %q; KubeRay wants a name that begins with a letter and has letters, digits and hyphens: set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Labels of objects that Helm makes. */}}
{{- define "sievert.labels" -}}
{{ include "sievert.ours" . }}
app.kubernetes.io/name: sievert
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{/* Labels by which pods are selected: KubeRay puts its own `name` on pods, so it is not among them. */}}
{{- define "sievert.ours" -}}
app.kubernetes.io/part-of: sievert
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The image of a flavour: dict "root" "flavour". */}}
{{- define "sievert.image" -}}
{{- $image := .root.Values.image -}}
{{- $build := index $image .flavour -}}
{{- if $build.digest -}}
{{- printf "%s@%s" $image.repository $build.digest | quote -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($build.tag | default (printf "%s-%s" .root.Chart.AppVersion .flavour)) | quote -}}
{{- end -}}
{{- end -}}

{{/* How a model package is named to Sievert: dict "root" "model". */}}
{{- define "sievert.model" -}}
{{- if and .root.Values.models.existingClaim (ne .model "default") -}}
/models/{{ .model }}
{{- else -}}
{{ .model }}
{{- end -}}
{{- end -}}

{{/* The name of a claim: dict "root" "name" "claim". */}}
{{- define "sievert.claim" -}}
{{- .claim.existingClaim | default (printf "%s-%s" (include "sievert.fullname" .root) .name) -}}
{{- end -}}

{{- define "sievert.redisSecret" -}}
{{- .Values.inference.redis.existingSecret | default (printf "%s-redis" (include "sievert.fullname" .)) -}}
{{- end -}}

{{- define "sievert.ownRedis" -}}
{{- if and .Values.inference.enabled (not .Values.inference.redis.address) }}yes{{ end -}}
{{- end -}}

{{/* Queue of Kueue, as a label. */}}
{{- define "sievert.queue" -}}
{{- with .Values.kueue.queue }}
kueue.x-k8s.io/queue-name: {{ . | quote }}
{{- end }}
{{- end -}}
