import Catalog
import DeliveryCounters
import DeliveryMetrics
import Export
import Intake
import PostgresStore
import Projection
import QueryAPI
import ValueStreamCore

/// All settings of vsd, parsed and checked.
struct DaemonSettings {
  enum Store: Equatable {
    case memory
    case directory(String)
    case postgres(PostgresAddress)

    /// True if other processes use the store, too.
    var isShared: Bool { if case .postgres = self { true } else { false } }

    /// Reads the name of a store: a directory, the address of a database, or `memory`.
    init(parsing text: String) throws(SettingError) {
      if PostgresAddress.isOne(text) {
        do throws(StoreError) {
          self = .postgres(try PostgresAddress(text))
          return
        } catch {
          throw SettingError(expected: "an address that libpq reads: \(error.message)", isTextHidden: true)
        }
      }
      if text.isEmpty || text.contains("://") {
        throw SettingError(expected: "a directory, an address that begins with postgres://, or memory")
      }
      self = text == "memory" ? .memory : .directory(text)
    }
  }

  let address: ListenAddress
  let adminAddress: ListenAddress?
  let listeningFile: String?
  let secrets: DaemonSecrets
  let publicURL: String?
  let maxBodyBytes: Int
  let trustedProxies: [AddressRange]
  /// The names of the tracers; empty for none.
  let tracers: [String]
  /// True if finished spans are kept in memory for tests.
  var usesMockTracer: Bool { tracers.contains(TracerCatalog.mock) }
  let store: Store
  /// The directory for what stays on this machine while the store is elsewhere.
  let stateDirectory: String
  let gracePeriod: Duration
  /// The grace period before finished attempts are counted.
  var countGrace: Duration { gracePeriod * CounterSettings.countGraceFactor }
  let exportBacklog: Duration
  let exportsImported: Bool
  let traceStrategy: TraceStrategy
  let attributes: AttributeSelection
  /// The exporters of finished spans, in the order of the tracers.
  let destinations: [TracerDestination]
  let logRetention: Duration
  let logMaxBytes: Int64
  let spanRetention: Duration
  let factRetention: Duration
  let factRules: FactRules
  let seriesLimit: Int
  /// The size of `/metrics` beyond which new series are shown as `other`.
  let metricBytes: Int
  let hasBranchMetrics: Bool
  /// The settings of delivery reports.
  let reports: ReportDefaults
  let logLevel: Logger.Level
  /// The sources with the secrets of the start.
  var sources: [any EventSource] { secrets.sources }
  /// The sources, and what reads decisions of operators in the log.
  var readers: [any EventSource] { sources + [OperatorSource()] }
  /// The settings given for mapping payloads to subjects, as `name=text`.
  let classification: [String]
  /// The command-line arguments other than flags.
  let words: [String]

  static let config = Setting<String?>.optionalText(
    "config", placeholder: "FILE", help: "Read settings from this JSON5 file. Its keys are the names of the flags.")

  static let tracer = Setting<[String]>(
    "tracer", aliases: ["t"], environment: "VS_TRACER_BACKEND", placeholder: "NAMES", default: ["logging"],
    defaultText: "logging",
    help:
      "Where finished spans go: \(TracerCatalog.names.listed("or")). Separate several with commas. mock is for tests; logger is another name for logging."
  ) { text throws(SettingError) in
    var tracers: [String] = []
    for given in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let tracer = TracerCatalog.name(String(given)) else {
        throw SettingError(expected: "a tracer; known are \(TracerCatalog.names.joined(separator: ", "))")
      }
      if !tracers.contains(tracer) { tracers.append(tracer) }
    }
    return tracers
  }

  static let storeLocation = Setting<Store?>(
    "store", placeholder: "DIR|URL|memory", default: nil,
    defaultText: "$XDG_STATE_HOME/valuestream, else ~/.local/state/valuestream",
    help:
      "Directory for deliveries and spans, postgres:// address of a database for several vsd, or memory. vsd creates directory and tables. Give a password in PGPASSFILE or PGPASSWORD, because process lists show flags. With only the mock tracer, the default is memory."
  ) { text throws(SettingError) in
    try Store(parsing: text)
  }

  static let logLevelName = Setting<Logger.Level>(
    "log-level", placeholder: "debug|info|warn|error", default: .info, defaultText: "info",
    help: "Lowest level of log lines to write."
  ) { text throws(SettingError) in
    guard let level = Logger.Level(name: text) else { throw SettingError(expected: "one of debug, info, warn, error") }
    return level
  }

  /// All settings, in the order of the help text.
  static let declarations: [SettingDeclaration] =
    [config.declaration] + IntakeSettings.declarations + [tracer.declaration, storeLocation.declaration]
    + ExportSettings.declarations + RetentionSettings.declarations + CounterSettings.declarations + ReportDefaults.declarations
    + TracerCatalog.declarations
    + SourceCatalog.classification + [logLevelName.declaration]
    + SourceCatalog.secrets + IntakeSettings.importSecret.declarations + HealSettings.declarations

  /// Returns variables that look like settings but are not, sorted, each with a known name that the user may mean.
  static func unknownVariables(in environment: [String: String]) -> [(name: String, meant: String?)] {
    let known = declarations.flatMap { [$0.environment] + $0.otherVariables }
    return environment.keys.filter { $0.hasPrefix("VS_") && !known.contains($0) }.sorted()
      .map { ($0, Spelling.nearest(to: $0, among: known)) }
  }

  private static let commands = [ReplayCommand.name, CheckCommand.name, MigrateCommand.name, BackupCommand.name]

  /// Reads the settings from the command line, the environment and the configuration file.
  ///
  /// - Throws: a one-line message for the user.
  init(arguments: [String], environment: [String: String], readFile: (String) -> [UInt8]?) throws(SettingsError) {
    let settings = try Settings(
      declared: Self.declarations, arguments: arguments, environment: environment,
      fileSetting: Self.config.declaration.name, readFile: readFile)
    words = settings.operands
    if let word = words.first, !Self.commands.contains(word) {
      throw SettingsError(
        "unexpected argument \"\(word)\"; vsd takes flags, and the commands \(Self.commands.joined(separator: ", "))")
    }
    address = try settings.value(of: IntakeSettings.address)
    adminAddress = try settings.value(of: IntakeSettings.adminAddress)
    listeningFile = try settings.value(of: IntakeSettings.listeningFile)
    secrets = try DaemonSecrets(settings, environment: environment, readFile: readFile)
    publicURL = try settings.value(of: IntakeSettings.publicURL)
    maxBodyBytes = Int(clamping: try settings.value(of: IntakeSettings.maxBody).bytes)
    trustedProxies = try settings.value(of: IntakeSettings.trustedProxy)
    traceStrategy = try settings.value(of: ExportSettings.traceStrategy)
    attributes = try settings.value(of: ExportSettings.attributes)
    exportBacklog = try settings.value(of: ExportSettings.exportBacklog)
    exportsImported = try settings.value(of: ExportSettings.exportImported)
    logRetention = try settings.value(of: RetentionSettings.logRetention)
    logMaxBytes = try settings.value(of: RetentionSettings.logMaxSize).bytes
    spanRetention = try settings.value(of: RetentionSettings.spanRetention)
    factRetention = try settings.value(of: RetentionSettings.factRetention)
    let zone = try settings.value(of: ReportDefaults.timeZone)
    factRules = FactRules(
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)),
      hotfixes: try settings.value(of: ReportDefaults.hotfix), days: DayRule(name: zone.name) { zone.localDay(of: $0) })
    seriesLimit = try settings.value(of: CounterSettings.seriesLimit)
    metricBytes = Int(clamping: try settings.value(of: CounterSettings.size).bytes)
    hasBranchMetrics = try settings.value(of: CounterSettings.branchMetrics)
    reports = try ReportDefaults(settings)
    logLevel = try settings.value(of: Self.logLevelName)

    let tracers = try settings.value(of: Self.tracer)
    if tracers.contains(TracerCatalog.none), tracers.count > 1 { throw SettingsError("--tracer: none goes with no other") }
    self.tracers = tracers.filter { $0 != TracerCatalog.none }
    destinations = try TracerCatalog.destinations(of: tracers, in: settings, environment: environment, readFile: readFile)
    let isMockAlone = tracers == [TracerCatalog.mock]
    let givenStore = try settings.value(of: Self.storeLocation)
    if tracers.contains(TracerCatalog.mock), givenStore != .memory, !isMockAlone || givenStore != nil {
      throw SettingsError("--tracer: mock keeps everything in memory and needs --store=memory")
    }
    let directory = Self.defaultDirectory(environment)
    // A unit of systemd with several state directories names them all.
    let ofUnit = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
    stateDirectory = ofUnit ?? directory
    store = givenStore ?? (isMockAlone ? .memory : .directory(directory))
    gracePeriod =
      isMockAlone && !settings.isGiven(ExportSettings.gracePeriod) ? .zero : try settings.value(of: ExportSettings.gracePeriod)
    classification = settings.given(for: SourceCatalog.classification)
    let services = try settings.value(of: ExportSettings.serviceNames)
    for name in services.ofSource.keys.sorted() where !sources.contains(where: { $0.name == name }) {
      throw SettingsError(
        "\(settings.origin(of: ExportSettings.serviceNames)): \"\(name)\" is not a source; known are "
          + sources.map(\.name).joined(separator: ", "))
    }
  }

  /// Rejects an empty token, which would protect nothing. It usually comes from a variable that a deployment did not fill
  /// in.
  static func readToken(_ settings: Settings, _ environment: [String: String]) throws(SettingsError) -> Secret? {
    let setting = IntakeSettings.readToken
    guard let text = try settings.value(of: setting) ?? environment[setting.declaration.environment] else { return nil }
    guard let token = Secret(text) else { throw SettingsError("read-token: the token is empty; unset it to need none") }
    return token
  }

  static func operatorToken(
    _ settings: Settings, _ environment: [String: String], _ readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> Secret? {
    let (setting, file) = (IntakeSettings.operatorToken, IntakeSettings.operatorTokenFile)
    var text = try settings.value(of: setting) ?? environment[setting.declaration.environment]
    if let path = try settings.value(of: file) {
      if text != nil { throw SettingsError("\(settings.origin(of: setting)) and \(settings.origin(of: file)) are both set") }
      guard let bytes = readFile(path) else { throw SettingsError("\(settings.origin(of: file)): \(UnreadableFile(path))") }
      var content = Substring(String(decoding: bytes, as: UTF8.self))
      while content.last?.isNewline == true { content.removeLast() }
      text = String(content)
    }
    guard let text else { return nil }
    guard let token = Secret(text) else { throw SettingsError("operator-token: the token is empty; unset it to need none") }
    return token
  }

  private static func defaultDirectory(_ environment: [String: String]) -> String {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return "\(state)/valuestream" }
    return "\(environment["HOME"] ?? ".")/.local/state/valuestream"
  }
}
