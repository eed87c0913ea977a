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

{{/* How a group gets into NATS: as the release says, or in a way of its own. YAML. */}}
{{- define "ops-events.nats" -}}
{{- merge (deepCopy (.group.nats | default dict)) (deepCopy .root.Values.nats) | toYaml }}
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
{{- include "ops-events.from-secret" (dict "variable" "EVENT_ENDPOINT" "secret" $nats.endpoint) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_CREDENTIALS" "folder" "nats" "secret" $nats.credentials) }}
{{- include "ops-events.from-secret" (dict "variable" "SERVER_TOKEN" "secret" $values.secrets.serverToken) }}
{{- include "ops-events.from-secret" (dict "variable" "SECRETS_KEY" "secret" $values.secrets.secretsKey) }}
{{- include "ops-events.file-variable" (dict "variable" "ACCESS_FILE" "folder" "access" "secret" $values.secrets.accessFile) }}
{{- include "ops-events.file-variable" (dict "variable" "NOTIFICATIONS_FILE" "folder" "notifications" "secret" $values.secrets.notificationsFile) }}
{{- include "ops-events.variable" (dict "variable" "ACTIVE_NAMESPACE" "value" $values.activeNamespace) }}
{{- include "ops-events.variable" (dict "variable" "EGRESS_ALLOW" "value" $values.egress.allow) }}
{{- include "ops-events.variable" (dict "variable" "EGRESS_DENY" "value" $values.egress.deny) }}
{{- include "ops-events.variable" (dict "variable" "CORS_ORIGINS" "value" $values.corsOrigins) }}
{{- with $values.extraEnv }}{{ toYaml . | nindent 0 }}{{ end }}
{{- end -}}

{{/* What the provisioning is told: who it is on NATS is another than the app. */}}
{{- define "ops-events.provision-env" -}}
- {name: EVENT_STREAM_REPLICAS, value: {{ .Values.nats.streamReplicas | quote }}}
{{- include "ops-events.from-secret" (dict "variable" "EVENT_ENDPOINT" "secret" .Values.provision.endpoint) }}
{{- include "ops-events.file-variable" (dict "variable" "EVENT_CREDENTIALS" "folder" "nats" "secret" .Values.provision.credentials) }}
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
