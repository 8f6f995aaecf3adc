# Completion of vsd for bash: source <(vsd completion bash)
_vsd() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flag= place= skip= word
  if [[ $cur == = ]]; then
    cur= flag=$prev
  elif [[ $prev == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  else
    flag=$prev
  fi
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word == = ]]; then skip=1; continue; fi
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      --) compopt -o default; return ;;
      --config|-config|--addr|-addr|--admin-addr|-admin-addr|--listening-file|-listening-file|--read-token|-read-token|--operator-token|-operator-token|--operator-token-file|-operator-token-file|--public-url|-public-url|--max-body|-max-body|--trusted-proxy|-trusted-proxy|--tracer|-tracer|--store|-store|--settle|-settle|--export-backlog|-export-backlog|--trace-strategy|-trace-strategy|--attributes|-attributes|--phases|-phases|--service-names|-service-names|--log-retention|-log-retention|--log-max-size|-log-max-size|--span-retention|-span-retention|--fact-retention|-fact-retention|--metric-series-limit|-metric-series-limit|--metric-size|-metric-size|--production|-production|--teams|-teams|--hotfix|-hotfix|--time-zone|-time-zone|--failure-rules|-failure-rules|--verdict-after|-verdict-after|--blame-within|-blame-within|--active-statuses|-active-statuses|--waiting-statuses|-waiting-statuses|--otlp-endpoint|-otlp-endpoint|--otlp-traces-endpoint|-otlp-traces-endpoint|--otlp-timeout|-otlp-timeout|--otlp-compression|-otlp-compression|--otlp-certificate|-otlp-certificate|--otlp-client-certificate|-otlp-client-certificate|--otlp-client-key|-otlp-client-key|--otlp-resource-attributes|-otlp-resource-attributes|--otlp-protocol|-otlp-protocol|--jaeger-endpoint|-jaeger-endpoint|--jaeger-service-name|-jaeger-service-name|--jaeger-tags|-jaeger-tags|--jaeger-user|-jaeger-user|--tracer-access-token|-tracer-access-token|--lightstep-endpoint|-lightstep-endpoint|--datadog-agent-url|-datadog-agent-url|--datadog-agent-host|-datadog-agent-host|--datadog-agent-port|-datadog-agent-port|--datadog-service|-datadog-service|--datadog-env|-datadog-env|--datadog-version|-datadog-version|--datadog-tags|-datadog-tags|--zipkin-endpoint|-zipkin-endpoint|--incident-labels|-incident-labels|--bots|-bots|--service-deploys|-service-deploys|--service-paths|-service-paths|--github-deploy-workflows|-github-deploy-workflows|--jenkins-deploy-jobs|-jenkins-deploy-jobs|--jenkins-environment-parameters|-jenkins-environment-parameters|--jenkins-service-parameters|-jenkins-service-parameters|--jenkins-unstable|-jenkins-unstable|--jenkins-url|-jenkins-url|--jira-started-statuses|-jira-started-statuses|--jira-undelivered-resolutions|-jira-undelivered-resolutions|--trello-done-lists|-trello-done-lists|--trello-abandoned-lists|-trello-abandoned-lists|--trello-archived|-trello-archived|--trello-due-complete|-trello-due-complete|--log-level|-log-level|--github-secret-file|-github-secret-file|--gitlab-secret-file|-gitlab-secret-file|--jenkins-secret-file|-jenkins-secret-file|--jira-secret-file|-jira-secret-file|--trello-secret-file|-trello-secret-file|--trello-callback-url|-trello-callback-url|--customhttp-secret-file|-customhttp-secret-file|--cdevents-secret-file|-cdevents-secret-file|--import-secret-file|-import-secret-file|--heal|-heal|--heal-token-file|-heal-token-file|--heal-app|-heal-app|--heal-app-key-file|-heal-app-key-file|--heal-url|-heal-url|--heal-domain|-heal-domain|--heal-gitlab|-heal-gitlab|--heal-gitlab-token-file|-heal-gitlab-token-file|--heal-gitlab-url|-heal-gitlab-url|--heal-gitlab-server|-heal-gitlab-server|--heal-interval|-heal-interval) skip=1 ;;
      -*) ;;
      *) place="$place $word" ;;
    esac
  done
  case "$place $flag" in
    ' --config'|' -config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --listening-file'|' -listening-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --operator-token-file'|' -operator-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --store'|' -store') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ' --trace-strategy'|' -trace-strategy') COMPREPLY=($(compgen -W 'nested linked' -- "$cur")); return ;;
    ' --attributes'|' -attributes') COMPREPLY=($(compgen -W 'both semconv classic' -- "$cur")); return ;;
    ' --phases'|' -phases') COMPREPLY=($(compgen -W 'events spans' -- "$cur")); return ;;
    ' --otlp-compression'|' -otlp-compression') COMPREPLY=($(compgen -W 'gzip none' -- "$cur")); return ;;
    ' --otlp-certificate'|' -otlp-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --otlp-client-certificate'|' -otlp-client-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --otlp-client-key'|' -otlp-client-key') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --otlp-protocol'|' -otlp-protocol') COMPREPLY=($(compgen -W 'http/protobuf http/json' -- "$cur")); return ;;
    ' --jenkins-unstable'|' -jenkins-unstable') COMPREPLY=($(compgen -W 'failure success' -- "$cur")); return ;;
    ' --trello-archived'|' -trello-archived') COMPREPLY=($(compgen -W 'abandoned completed' -- "$cur")); return ;;
    ' --trello-due-complete'|' -trello-due-complete') COMPREPLY=($(compgen -W 'nothing done' -- "$cur")); return ;;
    ' --log-level'|' -log-level') COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
    ' --github-secret-file'|' -github-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --gitlab-secret-file'|' -gitlab-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --jenkins-secret-file'|' -jenkins-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --jira-secret-file'|' -jira-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --trello-secret-file'|' -trello-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --customhttp-secret-file'|' -customhttp-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --cdevents-secret-file'|' -cdevents-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --import-secret-file'|' -import-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --heal-token-file'|' -heal-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --heal-app-key-file'|' -heal-app-key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' --heal-gitlab-token-file'|' -heal-gitlab-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --config'|' check -config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --listening-file'|' check -listening-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --operator-token-file'|' check -operator-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --store'|' check -store') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ' check --trace-strategy'|' check -trace-strategy') COMPREPLY=($(compgen -W 'nested linked' -- "$cur")); return ;;
    ' check --attributes'|' check -attributes') COMPREPLY=($(compgen -W 'both semconv classic' -- "$cur")); return ;;
    ' check --phases'|' check -phases') COMPREPLY=($(compgen -W 'events spans' -- "$cur")); return ;;
    ' check --otlp-compression'|' check -otlp-compression') COMPREPLY=($(compgen -W 'gzip none' -- "$cur")); return ;;
    ' check --otlp-certificate'|' check -otlp-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --otlp-client-certificate'|' check -otlp-client-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --otlp-client-key'|' check -otlp-client-key') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --otlp-protocol'|' check -otlp-protocol') COMPREPLY=($(compgen -W 'http/protobuf http/json' -- "$cur")); return ;;
    ' check --jenkins-unstable'|' check -jenkins-unstable') COMPREPLY=($(compgen -W 'failure success' -- "$cur")); return ;;
    ' check --trello-archived'|' check -trello-archived') COMPREPLY=($(compgen -W 'abandoned completed' -- "$cur")); return ;;
    ' check --trello-due-complete'|' check -trello-due-complete') COMPREPLY=($(compgen -W 'nothing done' -- "$cur")); return ;;
    ' check --log-level'|' check -log-level') COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
    ' check --github-secret-file'|' check -github-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --gitlab-secret-file'|' check -gitlab-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --jenkins-secret-file'|' check -jenkins-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --jira-secret-file'|' check -jira-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --trello-secret-file'|' check -trello-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --customhttp-secret-file'|' check -customhttp-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --cdevents-secret-file'|' check -cdevents-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --import-secret-file'|' check -import-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --heal-token-file'|' check -heal-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --heal-app-key-file'|' check -heal-app-key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check --heal-gitlab-token-file'|' check -heal-gitlab-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --config'|' check repair -config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --listening-file'|' check repair -listening-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --operator-token-file'|' check repair -operator-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --store'|' check repair -store') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ' check repair --trace-strategy'|' check repair -trace-strategy') COMPREPLY=($(compgen -W 'nested linked' -- "$cur")); return ;;
    ' check repair --attributes'|' check repair -attributes') COMPREPLY=($(compgen -W 'both semconv classic' -- "$cur")); return ;;
    ' check repair --phases'|' check repair -phases') COMPREPLY=($(compgen -W 'events spans' -- "$cur")); return ;;
    ' check repair --otlp-compression'|' check repair -otlp-compression') COMPREPLY=($(compgen -W 'gzip none' -- "$cur")); return ;;
    ' check repair --otlp-certificate'|' check repair -otlp-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --otlp-client-certificate'|' check repair -otlp-client-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --otlp-client-key'|' check repair -otlp-client-key') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --otlp-protocol'|' check repair -otlp-protocol') COMPREPLY=($(compgen -W 'http/protobuf http/json' -- "$cur")); return ;;
    ' check repair --jenkins-unstable'|' check repair -jenkins-unstable') COMPREPLY=($(compgen -W 'failure success' -- "$cur")); return ;;
    ' check repair --trello-archived'|' check repair -trello-archived') COMPREPLY=($(compgen -W 'abandoned completed' -- "$cur")); return ;;
    ' check repair --trello-due-complete'|' check repair -trello-due-complete') COMPREPLY=($(compgen -W 'nothing done' -- "$cur")); return ;;
    ' check repair --log-level'|' check repair -log-level') COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
    ' check repair --github-secret-file'|' check repair -github-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --gitlab-secret-file'|' check repair -gitlab-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --jenkins-secret-file'|' check repair -jenkins-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --jira-secret-file'|' check repair -jira-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --trello-secret-file'|' check repair -trello-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --customhttp-secret-file'|' check repair -customhttp-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --cdevents-secret-file'|' check repair -cdevents-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --import-secret-file'|' check repair -import-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --heal-token-file'|' check repair -heal-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --heal-app-key-file'|' check repair -heal-app-key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' check repair --heal-gitlab-token-file'|' check repair -heal-gitlab-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --config'|' replay -config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --listening-file'|' replay -listening-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --operator-token-file'|' replay -operator-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --store'|' replay -store') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ' replay --trace-strategy'|' replay -trace-strategy') COMPREPLY=($(compgen -W 'nested linked' -- "$cur")); return ;;
    ' replay --attributes'|' replay -attributes') COMPREPLY=($(compgen -W 'both semconv classic' -- "$cur")); return ;;
    ' replay --phases'|' replay -phases') COMPREPLY=($(compgen -W 'events spans' -- "$cur")); return ;;
    ' replay --otlp-compression'|' replay -otlp-compression') COMPREPLY=($(compgen -W 'gzip none' -- "$cur")); return ;;
    ' replay --otlp-certificate'|' replay -otlp-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --otlp-client-certificate'|' replay -otlp-client-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --otlp-client-key'|' replay -otlp-client-key') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --otlp-protocol'|' replay -otlp-protocol') COMPREPLY=($(compgen -W 'http/protobuf http/json' -- "$cur")); return ;;
    ' replay --jenkins-unstable'|' replay -jenkins-unstable') COMPREPLY=($(compgen -W 'failure success' -- "$cur")); return ;;
    ' replay --trello-archived'|' replay -trello-archived') COMPREPLY=($(compgen -W 'abandoned completed' -- "$cur")); return ;;
    ' replay --trello-due-complete'|' replay -trello-due-complete') COMPREPLY=($(compgen -W 'nothing done' -- "$cur")); return ;;
    ' replay --log-level'|' replay -log-level') COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
    ' replay --github-secret-file'|' replay -github-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --gitlab-secret-file'|' replay -gitlab-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --jenkins-secret-file'|' replay -jenkins-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --jira-secret-file'|' replay -jira-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --trello-secret-file'|' replay -trello-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --customhttp-secret-file'|' replay -customhttp-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --cdevents-secret-file'|' replay -cdevents-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --import-secret-file'|' replay -import-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --heal-token-file'|' replay -heal-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --heal-app-key-file'|' replay -heal-app-key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay --heal-gitlab-token-file'|' replay -heal-gitlab-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --config'|' replay apply -config') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --listening-file'|' replay apply -listening-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --operator-token-file'|' replay apply -operator-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --store'|' replay apply -store') compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ' replay apply --trace-strategy'|' replay apply -trace-strategy') COMPREPLY=($(compgen -W 'nested linked' -- "$cur")); return ;;
    ' replay apply --attributes'|' replay apply -attributes') COMPREPLY=($(compgen -W 'both semconv classic' -- "$cur")); return ;;
    ' replay apply --phases'|' replay apply -phases') COMPREPLY=($(compgen -W 'events spans' -- "$cur")); return ;;
    ' replay apply --otlp-compression'|' replay apply -otlp-compression') COMPREPLY=($(compgen -W 'gzip none' -- "$cur")); return ;;
    ' replay apply --otlp-certificate'|' replay apply -otlp-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --otlp-client-certificate'|' replay apply -otlp-client-certificate') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --otlp-client-key'|' replay apply -otlp-client-key') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --otlp-protocol'|' replay apply -otlp-protocol') COMPREPLY=($(compgen -W 'http/protobuf http/json' -- "$cur")); return ;;
    ' replay apply --jenkins-unstable'|' replay apply -jenkins-unstable') COMPREPLY=($(compgen -W 'failure success' -- "$cur")); return ;;
    ' replay apply --trello-archived'|' replay apply -trello-archived') COMPREPLY=($(compgen -W 'abandoned completed' -- "$cur")); return ;;
    ' replay apply --trello-due-complete'|' replay apply -trello-due-complete') COMPREPLY=($(compgen -W 'nothing done' -- "$cur")); return ;;
    ' replay apply --log-level'|' replay apply -log-level') COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur")); return ;;
    ' replay apply --github-secret-file'|' replay apply -github-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --gitlab-secret-file'|' replay apply -gitlab-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --jenkins-secret-file'|' replay apply -jenkins-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --jira-secret-file'|' replay apply -jira-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --trello-secret-file'|' replay apply -trello-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --customhttp-secret-file'|' replay apply -customhttp-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --cdevents-secret-file'|' replay apply -cdevents-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --import-secret-file'|' replay apply -import-secret-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --heal-token-file'|' replay apply -heal-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --heal-app-key-file'|' replay apply -heal-app-key-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ' replay apply --heal-gitlab-token-file'|' replay apply -heal-gitlab-token-file') compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  if [[ -n $skip ]]; then return; fi
  local flags= next=
  case $place in
    '') flags='--config --addr --admin-addr --listening-file --read-token --operator-token --operator-token-file --public-url --max-body --trusted-proxy --tracer --store --settle --export-backlog --export-imported --trace-strategy --attributes --phases --service-names --log-retention --log-max-size --span-retention --fact-retention --metric-series-limit --metric-size --metric-branches --production --teams --hotfix --time-zone --failure-rules --verdict-after --blame-within --active-statuses --waiting-statuses --otlp-endpoint --otlp-traces-endpoint --otlp-timeout --otlp-compression --otlp-certificate --otlp-client-certificate --otlp-client-key --otlp-resource-attributes --otlp-protocol --jaeger-endpoint --jaeger-service-name --jaeger-tags --jaeger-user --tracer-access-token --lightstep-endpoint --datadog-agent-url --datadog-agent-host --datadog-agent-port --datadog-service --datadog-env --datadog-version --datadog-tags --zipkin-endpoint --incident-labels --bots --service-deploys --service-paths --github-deploy-workflows --jenkins-deploy-jobs --jenkins-environment-parameters --jenkins-service-parameters --jenkins-unstable --jenkins-url --jira-started-statuses --jira-undelivered-resolutions --trello-done-lists --trello-abandoned-lists --trello-archived --trello-due-complete --log-level --github-secret-file --gitlab-secret-file --jenkins-secret-file --jira-secret-file --trello-secret-file --trello-callback-url --customhttp-secret-file --cdevents-secret-file --import-secret-file --heal --heal-token-file --heal-app --heal-app-key-file --heal-url --heal-domain --heal-gitlab --heal-gitlab-token-file --heal-gitlab-url --heal-gitlab-server --heal-interval' next='check replay' ;;
    ' check') flags='--config --addr --admin-addr --listening-file --read-token --operator-token --operator-token-file --public-url --max-body --trusted-proxy --tracer --store --settle --export-backlog --export-imported --trace-strategy --attributes --phases --service-names --log-retention --log-max-size --span-retention --fact-retention --metric-series-limit --metric-size --metric-branches --production --teams --hotfix --time-zone --failure-rules --verdict-after --blame-within --active-statuses --waiting-statuses --otlp-endpoint --otlp-traces-endpoint --otlp-timeout --otlp-compression --otlp-certificate --otlp-client-certificate --otlp-client-key --otlp-resource-attributes --otlp-protocol --jaeger-endpoint --jaeger-service-name --jaeger-tags --jaeger-user --tracer-access-token --lightstep-endpoint --datadog-agent-url --datadog-agent-host --datadog-agent-port --datadog-service --datadog-env --datadog-version --datadog-tags --zipkin-endpoint --incident-labels --bots --service-deploys --service-paths --github-deploy-workflows --jenkins-deploy-jobs --jenkins-environment-parameters --jenkins-service-parameters --jenkins-unstable --jenkins-url --jira-started-statuses --jira-undelivered-resolutions --trello-done-lists --trello-abandoned-lists --trello-archived --trello-due-complete --log-level --github-secret-file --gitlab-secret-file --jenkins-secret-file --jira-secret-file --trello-secret-file --trello-callback-url --customhttp-secret-file --cdevents-secret-file --import-secret-file --heal --heal-token-file --heal-app --heal-app-key-file --heal-url --heal-domain --heal-gitlab --heal-gitlab-token-file --heal-gitlab-url --heal-gitlab-server --heal-interval' next='repair' ;;
    ' check repair') flags='--config --addr --admin-addr --listening-file --read-token --operator-token --operator-token-file --public-url --max-body --trusted-proxy --tracer --store --settle --export-backlog --export-imported --trace-strategy --attributes --phases --service-names --log-retention --log-max-size --span-retention --fact-retention --metric-series-limit --metric-size --metric-branches --production --teams --hotfix --time-zone --failure-rules --verdict-after --blame-within --active-statuses --waiting-statuses --otlp-endpoint --otlp-traces-endpoint --otlp-timeout --otlp-compression --otlp-certificate --otlp-client-certificate --otlp-client-key --otlp-resource-attributes --otlp-protocol --jaeger-endpoint --jaeger-service-name --jaeger-tags --jaeger-user --tracer-access-token --lightstep-endpoint --datadog-agent-url --datadog-agent-host --datadog-agent-port --datadog-service --datadog-env --datadog-version --datadog-tags --zipkin-endpoint --incident-labels --bots --service-deploys --service-paths --github-deploy-workflows --jenkins-deploy-jobs --jenkins-environment-parameters --jenkins-service-parameters --jenkins-unstable --jenkins-url --jira-started-statuses --jira-undelivered-resolutions --trello-done-lists --trello-abandoned-lists --trello-archived --trello-due-complete --log-level --github-secret-file --gitlab-secret-file --jenkins-secret-file --jira-secret-file --trello-secret-file --trello-callback-url --customhttp-secret-file --cdevents-secret-file --import-secret-file --heal --heal-token-file --heal-app --heal-app-key-file --heal-url --heal-domain --heal-gitlab --heal-gitlab-token-file --heal-gitlab-url --heal-gitlab-server --heal-interval' next='' ;;
    ' replay') flags='--config --addr --admin-addr --listening-file --read-token --operator-token --operator-token-file --public-url --max-body --trusted-proxy --tracer --store --settle --export-backlog --export-imported --trace-strategy --attributes --phases --service-names --log-retention --log-max-size --span-retention --fact-retention --metric-series-limit --metric-size --metric-branches --production --teams --hotfix --time-zone --failure-rules --verdict-after --blame-within --active-statuses --waiting-statuses --otlp-endpoint --otlp-traces-endpoint --otlp-timeout --otlp-compression --otlp-certificate --otlp-client-certificate --otlp-client-key --otlp-resource-attributes --otlp-protocol --jaeger-endpoint --jaeger-service-name --jaeger-tags --jaeger-user --tracer-access-token --lightstep-endpoint --datadog-agent-url --datadog-agent-host --datadog-agent-port --datadog-service --datadog-env --datadog-version --datadog-tags --zipkin-endpoint --incident-labels --bots --service-deploys --service-paths --github-deploy-workflows --jenkins-deploy-jobs --jenkins-environment-parameters --jenkins-service-parameters --jenkins-unstable --jenkins-url --jira-started-statuses --jira-undelivered-resolutions --trello-done-lists --trello-abandoned-lists --trello-archived --trello-due-complete --log-level --github-secret-file --gitlab-secret-file --jenkins-secret-file --jira-secret-file --trello-secret-file --trello-callback-url --customhttp-secret-file --cdevents-secret-file --import-secret-file --heal --heal-token-file --heal-app --heal-app-key-file --heal-url --heal-domain --heal-gitlab --heal-gitlab-token-file --heal-gitlab-url --heal-gitlab-server --heal-interval' next='apply' ;;
    ' replay apply') flags='--config --addr --admin-addr --listening-file --read-token --operator-token --operator-token-file --public-url --max-body --trusted-proxy --tracer --store --settle --export-backlog --export-imported --trace-strategy --attributes --phases --service-names --log-retention --log-max-size --span-retention --fact-retention --metric-series-limit --metric-size --metric-branches --production --teams --hotfix --time-zone --failure-rules --verdict-after --blame-within --active-statuses --waiting-statuses --otlp-endpoint --otlp-traces-endpoint --otlp-timeout --otlp-compression --otlp-certificate --otlp-client-certificate --otlp-client-key --otlp-resource-attributes --otlp-protocol --jaeger-endpoint --jaeger-service-name --jaeger-tags --jaeger-user --tracer-access-token --lightstep-endpoint --datadog-agent-url --datadog-agent-host --datadog-agent-port --datadog-service --datadog-env --datadog-version --datadog-tags --zipkin-endpoint --incident-labels --bots --service-deploys --service-paths --github-deploy-workflows --jenkins-deploy-jobs --jenkins-environment-parameters --jenkins-service-parameters --jenkins-unstable --jenkins-url --jira-started-statuses --jira-undelivered-resolutions --trello-done-lists --trello-abandoned-lists --trello-archived --trello-due-complete --log-level --github-secret-file --gitlab-secret-file --jenkins-secret-file --jira-secret-file --trello-secret-file --trello-callback-url --customhttp-secret-file --cdevents-secret-file --import-secret-file --heal --heal-token-file --heal-app --heal-app-key-file --heal-url --heal-domain --heal-gitlab --heal-gitlab-token-file --heal-gitlab-url --heal-gitlab-server --heal-interval' next='' ;;
  esac
  if [[ $cur == -* ]]; then next="$flags --help"; fi
  COMPREPLY=($(compgen -W "$next" -- "$cur"))
}
complete -F _vsd vsd
