{{- define "pullbot.name" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "pullbot.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pullbot.labels" -}}
{{ include "pullbot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "pullbot.serviceAccount" -}}
{{- default (ternary (include "pullbot.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end }}

{{- /* "yes" if the store is a file: a Redis may be named by config.store, or by PULLBOT_STORE in the Secret. */ -}}
{{- define "pullbot.keepsFile" -}}
{{- if and .Values.persistence.enabled (not (hasPrefix "redis" (default "" .Values.config.store))) -}}yes{{- end -}}
{{- end }}

{{- /* "yes" if a cluster's alerts go to Teams. */ -}}
{{- define "pullbot.teams" -}}
{{- range .Values.config.clusters -}}{{- if dig "channels" "teams" "" . -}}yes{{- end -}}{{- end -}}
{{- end }}

{{- /* The paths that have to be reachable from outside, with blanks between: none in Slack's socket mode. */ -}}
{{- define "pullbot.doors" -}}
{{- if eq (dig "slack" "mode" "socket" .Values.config) "http" -}}/slack/events {{ end -}}
{{- if include "pullbot.teams" . -}}/api/messages {{ end -}}
{{- if and .Values.ingress.enabled .Values.ingress.alerts -}}/alerts/eventbridge{{- end -}}
{{- end }}

{{- /* The port of the Redis that config.store names, "" without one. */ -}}
{{- define "pullbot.redisPort" -}}
{{- with .Values.config.store -}}
{{- if hasPrefix "redis" . -}}
{{- regexFind "[0-9]+$" (urlParse .).host | default "6379" -}}
{{- end -}}
{{- end -}}
{{- end }}
