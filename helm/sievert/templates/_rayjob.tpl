{{/* A nightly run; {run}, {today} and {yesterday} are filled in when it is made. */}}
{{- define "sievert.rayjob" -}}
{{- $nightly := .Values.nightly -}}
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: "{run}"
  labels:
    {{- include "sievert.ours" . | nindent 4 }}
    app.kubernetes.io/component: nightly
    {{- with include "sievert.queue" . | trim }}{{ . | nindent 4 }}{{ end }}
spec:
  entrypoint: {{ include "sievert.entrypoint" . | quote }}
  submissionMode: K8sJobMode
  backoffLimit: {{ $nightly.retries }}
  activeDeadlineSeconds: {{ $nightly.deadlineSeconds }}
  preRunningDeadlineSeconds: {{ $nightly.startWithinSeconds }}
  shutdownAfterJobFinishes: true
  ttlSecondsAfterFinished: {{ $nightly.keepSeconds }}
  submitterConfig:
    backoffLimit: 3
  submitterPodTemplate:
    metadata:
      labels:
        {{- include "sievert.ours" . | nindent 8 }}
        app.kubernetes.io/component: nightly-submit
    spec:
      {{- include "sievert.submitter" . | nindent 6 }}
  rayClusterSpec:
    {{- include "sievert.cluster" (dict "root" . "component" "nightly" "part" $nightly) | nindent 4 }}
{{- end -}}

{{/* As many workers as the groups may have CPUs: where they come by need, the cluster has none when the job starts. */}}
{{- define "sievert.entrypoint" -}}
{{- $workers := 0 -}}
{{- range .Values.nightly.groups -}}
{{- $group := mergeOverwrite (deepCopy $.Values.groupDefaults) . -}}
{{- $most := ternary (int $group.maxReplicas) (int $group.replicas) $.Values.nightly.autoscaling.enabled -}}
{{- $workers = add $workers (mul $most (int $group.cpus)) -}}
{{- end -}}
sievert screen
{{- range .Values.nightly.inputs }} '{{ . }}'{{ end }} --out '
{{- ternary "/results" (trimSuffix "/" .Values.results.url) (eq .Values.results.kind "pvc") }}/{run}' --model '
{{- include "sievert.model" (dict "root" . "model" .Values.nightly.model) }}' --workers {{ max $workers 1 }}
{{- with .Values.nightly.policy }} --policy '{{ . }}'{{ end }}
{{- end -}}

{{- define "sievert.submitter" -}}
restartPolicy: Never
serviceAccountName: {{ include "sievert.fullname" . }}-worker
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "sievert.podSecurity" . | nindent 2 }}
{{- with include "sievert.pullSecrets" . | trim }}{{ . | nindent 0 }}{{ end }}
{{- with include "sievert.placement" (dict "machine" .Values.nightly.head) | trim }}{{ . | nindent 0 }}{{ end }}
containers:
  - name: ray-job-submitter
    image: {{ include "sievert.image" (dict "root" . "flavour" "cpu") }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    securityContext:
      {{- include "sievert.containerSecurity" . | nindent 6 }}
    env:
      - name: HOME
        value: /tmp
    resources:
      requests: {cpu: 250m, memory: 512Mi}
      limits: {cpu: "1", memory: 1Gi}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
{{- end -}}
