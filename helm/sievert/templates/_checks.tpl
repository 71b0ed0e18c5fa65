{{/* What no schema says, because it is about two values at once. */}}
{{- define "sievert.checks" -}}
{{- $on := list -}}
{{- range $name := list "research" "nightly" "inference" -}}
{{- $part := index $.Values $name -}}
{{- if $part.enabled -}}
{{- $on = append $on $name -}}
{{- include "sievert.checkGroups" (dict "root" $ "name" $name "part" $part) -}}
{{- if and $.Values.kueue.queue $part.autoscaling.enabled -}}
{{- fail (printf "kueue.queue and %s.autoscaling.enabled exclude each other: Kueue reserves all workers before the first one starts" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.inference.shelf -}}
{{- if has . $.Values.inference.models -}}{{- fail (printf "inference.models and inference.shelf both name %s" .) -}}{{- end -}}
{{- end -}}
{{- range concat .Values.inference.models .Values.inference.shelf -}}
{{- if has . (list "front" "shelf" "roller") -}}{{- fail (printf "a model cannot be served under the name %s" .) -}}{{- end -}}
{{- end -}}
{{- if dig "serve" "shelf" "" .Values.settings -}}{{- fail "settings.serve.shelf is for `sievert serve`: name the models in inference.shelf" -}}{{- end -}}
{{- if not $on -}}{{- fail "nothing is enabled: set one of research.enabled, nightly.enabled, inference.enabled" -}}{{- end -}}
{{- include "sievert.checkStores" (dict "root" $ "on" $on) -}}
{{- if and .Values.externalSecrets.store (not .Values.externalSecrets.secrets) -}}
{{- fail "externalSecrets.store is set, and externalSecrets.secrets names none" -}}
{{- end -}}
{{- end -}}

{{- define "sievert.checkStores" -}}
{{- $values := .root.Values -}}
{{- if and (eq $values.results.kind "s3") (not $values.results.url) -}}{{- fail "results.kind is s3: results.url says where" -}}{{- end -}}
{{- if and (eq $values.results.kind "s3") $values.inference.enabled -}}
{{- fail "results.kind is s3: the online service keeps its results on a volume; release it by itself, with results.kind pvc" -}}
{{- end -}}
{{- if eq $values.ledger.kind "rpc" -}}
{{- if not (and $values.ledger.existingSecret $values.ledger.contract (gt (int $values.ledger.chainId) 0)) -}}
{{- fail "ledger.kind is rpc: it needs ledger.existingSecret, ledger.chainId and ledger.contract" -}}
{{- end -}}
{{- else -}}
{{- $signing := ternary .on (without .on "research") $values.research.signs -}}
{{- if gt (len $signing) 1 -}}
{{- fail (printf "the embedded ledger has one writer, and %s would write it: set ledger.kind to rpc, or enable one" (join " and " $signing)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.nightly.enabled (not $values.images.enabled) -}}
{{- range $values.nightly.inputs -}}
{{- if hasPrefix "/images" . -}}{{- fail (printf "nightly.inputs names %s, and images.enabled is false" .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* dict "root" "name" "part" */}}
{{- define "sievert.checkGroups" -}}
{{- $seen := dict -}}
{{- if ge (int .part.head.objectStoreGib) (int .part.head.memoryGib) -}}
{{- fail (printf "%s.head: objectStoreGib is part of memoryGib, so it is less" .name) -}}
{{- end -}}
{{- range .part.groups -}}
{{- $group := mergeOverwrite (deepCopy $.root.Values.groupDefaults) . -}}
{{- $where := printf "%s.groups, %s" $.name $group.name -}}
{{- if hasKey $seen $group.name -}}{{- fail (printf "%s: two groups have this name" $where) -}}{{- end -}}
{{- $_ := set $seen $group.name true -}}
{{- if ge (int $group.objectStoreGib) (int $group.memoryGib) -}}{{- fail (printf "%s: objectStoreGib is part of memoryGib, so it is less" $where) -}}{{- end -}}
{{- if gt (int $group.minReplicas) (int $group.maxReplicas) -}}{{- fail (printf "%s: minReplicas is more than maxReplicas" $where) -}}{{- end -}}
{{- if and $.part.autoscaling.enabled (gt (int $group.replicas) (int $group.maxReplicas)) -}}{{- fail (printf "%s: replicas is more than maxReplicas" $where) -}}{{- end -}}
{{- end -}}
{{- end -}}
