import Catalog
import CurlTransport
import CustomHTTP
import ProgramOutput
import ReportClient
import ValueStreamCore

extension Command {
  static let traceparent = Command(
    words: ["traceparent"], summary: "print the W3C traceparent of a span, or of the current CI job",
    description: """
      Prints 00-<trace id>-<span id>-01, so that spans made inside a CI job join the trace of its delivery.
      --key or --name chooses the span. Without them, the variables of GitHub Actions, GitLab CI or Jenkins
      do: the job if they name it, else the run. The command asks vsd for the trace, and retries for --wait
      while vsd does not know the item yet. With --offline it computes both ids from the key; they match
      vsd's with --trace-strategy=linked.
      """,
    declarations: Traceparent.declarations,
    examples: [
      (
        "In a CI job: ask vsd, but never fail the job",
        "export TRACEPARENT=$(vsperf traceparent --server https://vsd.example.org --offline-fallback)"
      ),
      ("In a CI job, if vsd runs with --trace-strategy=linked", "export TRACEPARENT=$(vsperf traceparent --offline)"),
      ("For an issue", "vsperf traceparent --name acme/site#36 --server http://127.0.0.1:5000"),
    ],
    run: { try await Traceparent($0, environment: Environment.variables).run() })
}

/// Implements `vsperf traceparent`.
struct Traceparent: Sendable {
  private let subject: TraceparentSubject
  /// The connection to vsd; nil to compute the ids instead.
  private let lookup: SpanLookup?
  private let isOffline: Bool
  private let wait: Duration
  private let isComputedInVain: Bool

  /// The pause before vsd is asked again.
  private static let pause = Duration.milliseconds(500)
  /// The minimum timeout of a request: vsd itself may take two seconds to answer.
  private static let shortestTimeout = Duration.seconds(3)

  private static let key = Setting<SubjectKey?>(
    "key", environment: "", placeholder: "KEY", default: nil, defaultText: nil,
    help: "Key of the item, as the API shows it."
  ) { text throws(SettingError) in
    guard let key = SubjectKey(text) else {
      throw SettingError(expected: "a span key such as github:github.com:197483389:issue:36")
    }
    return key
  }

  private static let name = Setting<String?>.optionalText(
    "name", environment: "", placeholder: "NAME",
    help: "Name of the item: its vstrace-... id, acme/site#36, group/app!3, TP-3, shop/42 of a script, a URL or a commit.")

  private static let attempt = Setting<Int?>(
    "attempt", environment: "", placeholder: "N", default: nil, defaultText: nil,
    help: "Attempt. Without it the newest; with --offline the first."
  ) { text throws(SettingError) in
    guard let number = Int(text), number > 0 else { throw SettingError(expected: "a number from 1 on") }
    return number
  }

  private static let job = Setting<Int64?>(
    "job", environment: "", placeholder: "ID", default: nil, defaultText: nil,
    help: "Job in GitHub Actions, from ${{ job.check_run_id }}."
  ) { text throws(SettingError) in
    guard let id = Int64(text) else { throw SettingError(expected: "the number of a job") }
    return id
  }

  private static let serverSetting = Setting<String?>.address(
    "server", environment: "VS_SERVER_URL", help: "Address of vsd.")

  private static let token = Setting<String?>.optionalText(
    "read-token", placeholder: "TOKEN", isSecret: true, help: "Read token of vsd, if it has one.")

  private static let waitSetting = Setting<Duration>.duration(
    "wait", environment: "", default: .seconds(10), text: "10s",
    help: "How long to retry while vsd does not know the item or does not answer. 0 tries once.")

  private static let offline = Setting<Bool>.toggle(
    "offline", environment: "", help: "Compute the ids from the key, without vsd. They match vsd's with --trace-strategy=linked.")

  private static let offlineFallback = Setting<Bool>.toggle(
    "offline-fallback", environment: "",
    help: "If vsd does not answer or does not know the item, print what --offline prints and succeed.")

  static let declarations = [
    key.declaration, name.declaration, attempt.declaration, job.declaration, serverSetting.declaration, token.declaration,
    waitSetting.declaration, offline.declaration, offlineFallback.declaration,
  ]

  init(_ settings: Settings, environment: [String: String], transport: any HTTPTransport = CurlTransport()) throws {
    let server: String?
    let token: String?
    do throws(SettingsError) {
      subject = try Self.subject(settings, environment)
      server = try settings.value(of: Self.serverSetting)
      // CI systems set a secret to an empty text where they withhold it, such as for pull requests from forks.
      token = try settings.value(of: Self.token).flatMap { $0.isEmpty ? nil : $0 }
      wait = try settings.value(of: Self.waitSetting)
      isOffline = try settings.value(of: Self.offline)
      isComputedInVain = try settings.value(of: Self.offlineFallback)
    } catch {
      throw Self.mistake("\(error)")
    }
    if isOffline || isComputedInVain, subject.computed == nil {
      throw Self.mistake("--\(isOffline ? "offline" : "offline-fallback") needs a key: only vsd knows which item has this name")
    }
    guard isOffline || server != nil || isComputedInVain else {
      throw Self.mistake("which vsd? --server URL, or --offline")
    }
    lookup = isOffline ? nil : server.map { SpanLookup(server: $0, token: token, transport: transport) }
  }

  private static func subject(
    _ settings: Settings, _ environment: [String: String]
  ) throws(SettingsError) -> TraceparentSubject {
    let key = try settings.value(of: Self.key)
    let name = try settings.value(of: Self.name)
    let attempt = try settings.value(of: Self.attempt)
    let job = try settings.value(of: Self.job)
    if key != nil || name != nil {
      if key != nil, name != nil { throw SettingsError("--key and --name do not go together") }
      if job != nil { throw SettingsError("--job goes with the variables of a job, not with --key or --name") }
    }
    if let key { return .key(key, attempt: attempt) }
    if let name {
      guard let references = CustomHTTPName.references(name) else {
        throw SettingsError("--name: \"\(name)\" is not a name that an item can be found by")
      }
      return .name(name, references, attempt: attempt)
    }
    if attempt != nil { throw SettingsError("--attempt goes with --key or --name; the variables of a job tell their own") }
    let context: RunContext?
    do throws(RunVariables.Failure) {
      context = try SourceCatalog.runContext(in: environment, job: job)
    } catch {
      throw SettingsError("\(error)")
    }
    guard let context else {
      let systems = SourceCatalog.ciSystems.map(\.name).listed("or")
      throw SettingsError("which item? --key KEY or --name NAME; no variables of \(systems) are set")
    }
    return .run(context)
  }

  private static func mistake(_ message: String) -> UsageError {
    UsageError(message, seeing: ["traceparent"])
  }

  func run() async throws {
    var output = try OutputFile(path: nil)
    try output.writeLine(Array(try await traceparent().utf8))
    try output.flush()
  }

  private func traceparent() async throws -> String {
    guard let lookup else {
      return try computed(because: isOffline ? nil : "there is no vsd to ask")
    }
    do {
      return try await asked(lookup)
    } catch let error as CommandError where isComputedInVain && error.exitCode == ExitCode.unavailable {
      return try computed(because: error.description)
    }
  }

  /// Asks vsd until it knows the item or the time is over.
  private func asked(_ lookup: SpanLookup) async throws -> String {
    let deadline = ContinuousClock.now + wait
    while true {
      let reason: String
      do {
        let rest = max(ContinuousClock.now.duration(to: deadline), Self.shortestTimeout)
        let spans = try await lookup.spans(named: subject.references, timeoutSeconds: rest.inSeconds)
        if let traceparent = try subject.traceparent(in: spans) { return traceparent }
        reason = "\(lookup.place) does not know \(subject.title)"
      } catch let failure as SpanLookup.Failure {
        reason = failure.description
        if !failure.isRetryable { throw CommandError(reason, ExitCode.unavailable) }
      } catch let ambiguity as TraceparentSubject.Ambiguity {
        throw CommandError(
          "several things are called \(subject.title): \(ambiguity.keys.joined(separator: ", ")); --key says which",
          ExitCode.usage)
      }
      let rest = ContinuousClock.now.duration(to: deadline)
      guard rest > .zero else { throw CommandError(reason, ExitCode.unavailable) }
      try await Task.sleep(for: min(Self.pause, rest))
    }
  }

  private func computed(because reason: String?) throws -> String {
    guard let traceparent = subject.computed else { throw CommandError(reason ?? "no key", ExitCode.unavailable) }
    let computed = "computed from the key: \(subject.condition); with nested only vsd knows the trace"
    StandardStream.error.write("\(Program.name): \(reason.map { "\($0); " } ?? "")\(computed)\n")
    return traceparent
  }
}
