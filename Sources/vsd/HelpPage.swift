import ValueStreamCore

/// What `vsd --help` prints.
enum HelpPage {
  static var text: String {
    """
    vsd - receives the webhooks of your forge, tracker and CI, and turns them into traces and metrics.

    Usage: vsd [--flag=value ...]
           vsd replay [apply] [--flag=value ...]
           vsd check [repair] [--flag=value ...]

    It listens for deliveries at /github, /gitlab, /jenkins, /jira, /trello, /customhttp and
    /cdevents, serves metrics at /metrics, and answers /api/v1/spans, /api/v1/traces,
    /api/v1/deliveries, /api/v1/refusals and /api/v1/stats, and Jaeger's query API. A delivery is
    answered when it is safe on disk.

    vsd replay makes a second projection of the deliveries that are kept, by the mapping and the
    settings of today, and prints what it has otherwise than the one in use; vsd may run meanwhile.
    vsd replay apply does so while vsd is stopped, and puts it in that one's place.

    vsd check reads all that is kept and lists what is damaged; vsd may run meanwhile. vsd check repair
    mends what can be while vsd is stopped, with the settings vsd runs with.

    A flag beats its environment variable (beside it below), which beats the configuration file,
    which beats the default. Flags take one dash or two, and = or a space before the value.

    Settings:
    \(HelpText.describe(DaemonSettings.declarations))
      --version
          Print the version.

      --help
          Print this page.

    Exit codes: 0 after SIGINT or SIGTERM, when everything in flight was answered and kept;
    64 a mistake in a flag, a variable or the configuration file; 69 the address cannot be listened
    on; 65 vsd check found damage; 70 an internal error; 71 too few files may be open; 74 the store
    cannot be opened.

    """
  }
}
