{{/* Nothing that the app does needs more than this; the image is made for it. */}}
{{- define "ops-events.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ops-events.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* A variable whose value is in a Secret; none where no Secret is named. This and what follows begins a line. */}}
{{- define "ops-events.from-secret" -}}
{{- if .secret.name }}
- name: {{ .variable }}
  valueFrom: {secretKeyRef: {name: {{ .secret.name }}, key: {{ .secret.key }}}}
{{- end }}
{{- end -}}

{{/* A variable that names a file of a Secret, which is mounted as a folder. */}}
{{- define "ops-events.file-variable" -}}
{{- if .secret.name }}
- name: {{ .variable }}
  value: /etc/ops-events/{{ .folder }}/{{ .secret.key }}
{{- end }}
{{- end -}}

{{- define "ops-events.file-mount" -}}
{{- if .secret.name }}
- name: {{ .folder }}
  mountPath: /etc/ops-events/{{ .folder }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "ops-events.file-volume" -}}
{{- if .secret.name }}
- name: {{ .folder }}
  secret: {secretName: {{ .secret.name }}, defaultMode: 288} # 0440, for the group of the pod
{{- end }}
{{- end -}}

{{/* A variable with a value; none where it is empty. */}}
{{- define "ops-events.variable" -}}
{{- if .value }}
- name: {{ .variable }}
  value: {{ .value | quote }}
{{- end }}
{{- end -}}

{{/* What is mounted, as a pod lists it: the files of these Secrets, by folder, and what the release adds. */}}
{{- define "ops-events.mounts" -}}
{{- range $folder, $secret := .files }}
{{- include "ops-events.file-mount" (dict "folder" $folder "secret" $secret) }}
{{- end }}
{{- with .root.Values.extraVolumeMounts }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end -}}

{{- define "ops-events.volumes" -}}
{{- range $folder, $secret := .files }}
{{- include "ops-events.file-volume" (dict "folder" $folder "secret" $secret) }}
{{- end }}
{{- with .root.Values.extraVolumes }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end -}}

{{/* How a group gets into NATS: as the release says, or as somebody else, by a creds file or an nkey of its own. YAML. */}}
{{- define "ops-events.nats" -}}
{{- $own := deepCopy (.group.nats | default dict) }}
{{- $shared := deepCopy .root.Values.nats }}
{{- if or $own.credentials $own.nkey }}{{ $shared = omit $shared "credentials" "nkey" }}{{ end }}
{{- merge $own $shared (dict "credentials" (dict "name" "") "nkey" (dict "name" "")) | toYaml }}
{{- end -}}

{{/* The same of the provisioning, which is a user of its own, and trusts whom the app trusts. YAML. */}}
{{- define "ops-events.provision-nats" -}}
{{- merge (deepCopy .Values.provision) (pick (deepCopy .Values.nats) "tls") | toYaml }}
{{- end -}}

{{/* The files that are needed for it, by the folder that each is mounted as. YAML. */}}
{{- define "ops-events.nats-files" -}}
{{- dict "nats" .credentials "nats-nkey" .nkey "nats-ca" .tls.ca "nats-cert" .tls.cert "nats-key" .tls.key | toYaml }}
{{- end -}}

{{/* The variables that name them. */}}
{{- define "ops-events.nats-env" -}}
{{- if and .credentials.name .nkey.name }}{{ fail "nats: credentials and nkey both say who we are: leave one out" }}{{ end }}
{{- if ne (empty .tls.cert.name) (empty .tls.key.name) }}{{ fail "nats: tls.cert and tls.key go together: name both or none" }}{{ end }}
{{- include "ops-events.from-secret" (dict "variable" "EVENT_ENDPOINT" "secret" .endpoint) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_CREDENTIALS" "folder" "nats" "secret" .credentials) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_NKEY" "folder" "nats-nkey" "secret" .nkey) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_TLS_CA" "folder" "nats-ca" "secret" .tls.ca) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_TLS_CERT" "folder" "nats-cert" "secret" .tls.cert) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_TLS_KEY" "folder" "nats-key" "secret" .tls.key) }}
{{- end -}}

{{/* Where traces are brought to, and which. */}}
{{- define "ops-events.tracing-env" -}}
{{- if .endpoint }}
{{- include "ops-events.variable" (dict "variable" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" .endpoint) }}
{{- include "ops-events.variable" (dict "variable" "OTEL_TRACES_SAMPLER" "value" .sampler) }}
{{- include "ops-events.variable" (dict "variable" "OTEL_TRACES_SAMPLER_ARG" "value" (toString .samplerArg)) }}
{{- end }}
{{- end -}}

{{/* What the app is told. */}}
{{- define "ops-events.env" -}}
{{- $values := .root.Values }}
{{- $nats := include "ops-events.nats" . | fromYaml }}
{{- $kubernetes := include "ops-events.asks-kubernetes" . }}
- {name: EVENT_CLUSTER, value: {{ $values.cluster | quote }}}
- {name: EVENT_STREAM_REPLICAS, value: {{ $values.nats.streamReplicas | quote }}}
- {name: ROLES, value: {{ join "," .group.roles | quote }}}
- {name: KUBERNETES, value: {{ ternary "off" "on" (eq $kubernetes "") | quote }}}
- {name: SHUTDOWN_DELAY, value: {{ $values.shutdownDelaySeconds | quote }}}
- {name: CANARY_SECONDS, value: {{ $values.canarySeconds | quote }}}
{{- include "ops-events.nats-env" $nats }}
{{- include "ops-events.variable" (dict "variable" "EVENT_EDGES" "value" (join "," $values.nats.edges)) }}
{{- include "ops-events.from-secret" (dict "variable" "SERVER_TOKEN" "secret" $values.secrets.serverToken) }}
{{- include "ops-events.from-secret" (dict "variable" "SECRETS_KEY" "secret" $values.secrets.secretsKey) }}
{{- include "ops-events.file-variable" (dict "variable" "ACCESS_FILE" "folder" "access" "secret" $values.secrets.accessFile) }}
{{- include "ops-events.file-variable" (dict "variable" "NOTIFICATIONS_FILE" "folder" "notifications" "secret" $values.secrets.notificationsFile) }}
{{- include "ops-events.variable" (dict "variable" "ACTIVE_NAMESPACE" "value" $values.activeNamespace) }}
{{- include "ops-events.variable" (dict "variable" "EGRESS_ALLOW" "value" $values.egress.allow) }}
{{- include "ops-events.variable" (dict "variable" "EGRESS_DENY" "value" $values.egress.deny) }}
{{- include "ops-events.variable" (dict "variable" "CORS_ORIGINS" "value" $values.corsOrigins) }}
{{- include "ops-events.variable" (dict "variable" "LOG_FORMAT" "value" $values.log.format) }}
{{- include "ops-events.variable" (dict "variable" "LOG_LEVEL" "value" $values.log.level) }}
{{- include "ops-events.tracing-env" $values.tracing }}
{{- with $values.extraEnv }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end -}}

{{/* What the provisioning is told: who it is on NATS is another than the app. */}}
{{- define "ops-events.provision-env" -}}
- {name: EVENT_STREAM_REPLICAS, value: {{ .Values.nats.streamReplicas | quote }}}
{{- include "ops-events.nats-env" (include "ops-events.provision-nats" . | fromYaml) }}
{{- include "ops-events.variable" (dict "variable" "EVENT_EDGES" "value" (join "," .Values.nats.edges)) }}
{{- with .Values.extraEnv }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end -}}

{{- define "ops-events.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
