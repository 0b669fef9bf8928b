{{/* Name of the chart, or its override. */}}
{{- define "mm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* Full name of the release's objects: the release's name, with the chart's unless it contains it. */}}
{{- define "mm.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "mm.name" .) .Release.Name }}
{{- .Release.Name | replace "." "-" | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" (.Release.Name | replace "." "-") (include "mm.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Name of an object of the cluster: two releases in two namespaces must not share it. No namespace has a dot. */}}
{{- define "mm.clusterName" -}}
{{- $full := include "mm.fullname" . }}
{{- if eq $full .Release.Namespace }}{{ $full }}{{ else }}{{ printf "%s.%s" .Release.Namespace $full }}{{ end }}
{{- end }}

{{- define "mm.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mm.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "mm.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "mm.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mm.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "mm.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "mm.image" -}}
{{- $registry := default .Values.imageRegistry .Values.image.registry }}
{{- $name := ternary .Values.image.repository (printf "%s/%s" $registry .Values.image.repository) (empty $registry) }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The operator's settings: the user's, and those that follow from the chart. */}}
{{- define "mm.settings" -}}
{{- $own := dict "listen" (printf ":%d" (int .Values.metrics.port)) "leaseNamespace" .Release.Namespace "leaseName" (include "mm.fullname" .) }}
{{- if .Values.metrics.authentication }}
{{- $_ := set $own "metricsAuthentication" "kubernetes" }}
{{- end }}
{{- if .Values.metrics.tlsSecret }}
{{- $_ := set $own "tls" (dict "certFile" "/etc/monitored-models/tls/tls.crt" "keyFile" "/etc/monitored-models/tls/tls.key") }}
{{- end }}
{{- $settings := deepCopy .Values.settings }}
{{- if not $settings.grafana }}
{{- if .Values.grafanaToken.existingSecret }}
{{- fail "grafanaToken.existingSecret: set settings.grafana.url too, or remove it" }}
{{- end }}
{{- else if .Values.grafanaToken.existingSecret }}
{{- $_ := set $settings.grafana "tokenFile" (printf "/etc/monitored-models/grafana/%s" .Values.grafanaToken.key) }}
{{- else if not $settings.grafana.tokenFile }}
{{- fail "settings.grafana: name the Secret with its token in grafanaToken.existingSecret, or mount one with extraVolumes and set tokenFile" }}
{{- end }}
{{- merge $settings $own | toYaml }}
{{- end }}

{{/* Scheme of the operator's endpoints: of probes in capitals, of Prometheus in small letters. */}}
{{- define "mm.scheme" -}}
{{ ternary "HTTPS" "HTTP" (not (empty .Values.metrics.tlsSecret)) }}
{{- end }}
