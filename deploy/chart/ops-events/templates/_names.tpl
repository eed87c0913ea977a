{{/* The name of everything in a release. */}}
{{- define "ops-events.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What the pods of a release have in common. */}}
{{- define "ops-events.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ops-events.labels" -}}
{{ include "ops-events.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "ops-events.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* Whether a group asks the Kubernetes API: it watches, it writes hooks, or it reads keys. Empty: no. */}}
{{- define "ops-events.asks-kubernetes" -}}
{{- $roles := .group.roles -}}
{{- $signs := and .root.Values.signingKeys.namespaces (or (has "hooks" $roles) (has "delivery" $roles)) -}}
{{- if and .root.Values.kubernetes (or (has "watch" $roles) (has "ingress" $roles) $signs) -}}yes{{- end -}}
{{- end -}}

{{/* Whether a group connects to receivers. Empty: no. */}}
{{- define "ops-events.delivers" -}}
{{- $roles := .group.roles -}}
{{- if or (has "hooks" $roles) (has "notifications" $roles) (has "delivery" $roles) -}}yes{{- end -}}
{{- end -}}
