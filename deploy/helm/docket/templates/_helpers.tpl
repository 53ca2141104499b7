{{- define "docket.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of a dict with root and service. */}}
{{- define "docket.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "docket.labels" -}}
{{ include "docket.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Which secret settings each service is given; those that are optional there are optional here. */}}
{{- define "docket.secrets" -}}
migrate: { CLICKHOUSE_PASSWORD: optional }
gateway: {}
ingestor: { CLICKHOUSE_PASSWORD: optional, DOCKET_MAC_KEYS: required }
query: { CLICKHOUSE_QUERY_PASSWORD: optional, DOCKET_MAC_KEYS: required, DOCKET_TOKEN_KEYS: required }
delivery: { CLICKHOUSE_PASSWORD: optional, DOCKET_MAC_KEYS: required, DOCKET_MASTER_KEY: required, NOTICE_WEBHOOK_SECRET: optional }
admin: { DOCKET_BOOTSTRAP_TOKEN: optional, DOCKET_MAC_KEYS: required, DOCKET_MASTER_KEY: required }
{{- end }}

{{- define "docket.env" -}}
{{- $name := include "docket.name" .root }}
{{- $defaults := dict }}
{{- if eq .service "gateway" }}
{{- $defaults = dict "QUERY_URL" (printf "http://%s-query:8081" $name) "ADMIN_URL" (printf "http://%s-admin:8082" $name) "DELIVERY_URL" (printf "http://%s-delivery:8084" $name) }}
{{- else if eq .service "query" }}
{{- $defaults = dict "TRAIL_SPOOL_DIR" "/var/lib/docket/trail" }}
{{- end }}
{{- /* The ingress is a proxy; the others hear from the gateway where a request came from. */}}
{{- if and .root.Values.gateway.ingress.enabled (eq .service "gateway") }}{{ $_ := set $defaults "TRUSTED_PROXY_HOPS" 1 }}{{ end }}
{{- range $required := list "KAFKA_BROKERS" "SCHEMA_REGISTRY_URL" "CLICKHOUSE_URL" }}
{{- if not (hasKey $.root.Values.settings $required) }}{{ fail (printf "set settings.%s (docs/settings.md)" $required) }}{{ end }}
{{- end }}
{{- $own := dict }}
{{- if ne .service "migrate" }}{{ $own = (index .root.Values .service).settings }}{{ end }}
{{- range $key, $value := merge (dict) $own .root.Values.settings $defaults }}
- name: {{ $key }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- $secrets := index (include "docket.secrets" .root | fromYaml) .service }}
{{- range $key, $need := merge (dict "KAFKA_SASL_PASSWORD" "optional") $secrets }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef:
      name: {{ $.root.Values.secretName }}
      key: {{ $key }}
      optional: {{ eq $need "optional" }}
{{- end }}
{{- end }}

{{/* A pod's template of a dict with root, service, port (0 for none), resources and restartPolicy. */}}
{{- define "docket.pod" -}}
metadata:
  labels: {{- include "docket.labels" . | nindent 4 }}
  annotations:
    {{- if .port }}
    prometheus.io/scrape: 'true'
    prometheus.io/port: {{ .port | quote }}
    {{- end }}
    {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  {{- with get . "restartPolicy" }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # A service stops cleanly within 10 s.
  terminationGracePeriodSeconds: 15
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile: { type: RuntimeDefault }
  {{- if .port }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "docket.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [{{ .service }}]
      env: {{- include "docket.env" . | nindent 8 }}
      {{- if .port }}
      ports:
        - { name: http, containerPort: {{ .port }} }
      # Live means that the process answers; ready, that it can do its work. Neither waits for the other.
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        timeoutSeconds: 5
        periodSeconds: 10
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        timeoutSeconds: 5
        periodSeconds: 5
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        failureThreshold: 60
      {{- end }}
      {{- with .resources }}
      resources: {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- if eq .service "query" }}
        - { name: spool, mountPath: /var/lib/docket/trail }
        {{- end }}
        {{- with .root.Values.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
  volumes:
    - { name: tmp, emptyDir: {} }
    {{- with .root.Values.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
