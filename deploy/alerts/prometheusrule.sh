#!/bin/sh
# The rules as a PrometheusRule, for an overlay of yours (kustomize cannot put one file into another):
#
#   sh deploy/alerts/prometheusrule.sh https://git.example.com/ops-events/src/docs/runbooks > alerts.yaml
#
# The address is that of the folder with the runbooks; without one, alerts name the page by its path in this repository.
set -eu
cat <<'HEAD'
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ops-events
  namespace: ops-system
  labels: # the operator may look for others: `ruleSelector` of its Prometheus says which
    app.kubernetes.io/name: ops-events
    app.kubernetes.io/instance: ops-events
spec:
HEAD
sed -e "s|runbook_url: docs/runbooks/|runbook_url: ${1:-docs/runbooks}/|" -e 's|^|  |' "$(dirname "$0")/ops-events.yaml"
