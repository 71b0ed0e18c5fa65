{{/* The settings file: what a release mounts, and what its site adds. It holds no secret. */}}
{{- define "sievert.toml" -}}
{{- $store := dict "keys" "/keys/store" "ledger" "/ledger/ledger.sqlite" "mirrors" "/tmp/ray/mirrors" -}}
{{- if .Values.keys.passphraseSecret -}}{{- $_ := set $store "passphrase_file" "/secrets/keys/passphrase" -}}{{- end -}}
{{- $ledger := dict "kind" .Values.ledger.kind "locks" "/keys/signers" -}}
{{- if eq .Values.ledger.kind "rpc" -}}
{{- $rpc := dict "chain_id" (int .Values.ledger.chainId) "contract" .Values.ledger.contract "confirmations" (int .Values.ledger.confirmations) "keystore" "/secrets/ledger/keystore.json" "passphrase_file" "/secrets/ledger/passphrase" -}}
{{- $ledger = merge $ledger $rpc -}}
{{- end -}}
{{- $audit := dict "actor" (printf "%s/%s" .Release.Namespace .Release.Name) -}}
{{- $serve := dict "host" "0.0.0.0" "port" 8000 "state" "/keys/serve" -}}
{{- $ours := dict "cluster" (dict "address" "auto") "store" $store "ledger" $ledger "serve" $serve -}}
{{- toToml (merge $ours (deepCopy .Values.settings) (dict "audit" $audit)) -}}
{{- end -}}
