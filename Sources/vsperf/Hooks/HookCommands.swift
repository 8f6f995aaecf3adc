import APIClient
import Hooks
import ProgramOutput
import Synchronization
import ValueStreamCore

extension Command {
  /// The commands that set up webhooks, by action and vendor.
  static let webhooks: [Command] =
    HookVendor.all.map(create) + HookVendor.all.map(list) + HookVendor.all.map(check)
    + HookVendor.all.map(heal) + HookVendor.all.flatMap(\.ownCommands)

  private static func create(_ vendor: HookVendor) -> Command {
    let secrets = vendor.secret?.declarations ?? []
    return Command(
      words: ["webhooks", "create", vendor.name], summary: "make the webhook that vsd needs at \(vendor.title)",
      description: """
        Makes a webhook that sends vsd what it reads\(vendor.secret == nil ? "" : ", with the secret of vsd"). If there is one with the address, it
        says what that one lacks, and --update changes it. Then it has the vendor send a ping, if it can.\(vendor.remark)
        Exit code 78: the webhook lacks something, or vsd does not answer the ping as it should.
        """,
      declarations: vendor.access + [HookSettings.address.declaration, HookSettings.update.declaration] + secrets
        + vendor.creation
        + HookSettings.connection,
      examples: [
        (
          "A webhook at \(vendor.title)",
          "vsperf webhooks create \(vendor.name) \(vendor.example) --url https://vs.example.org/\(vendor.name)"
            + (vendor.secret == nil ? "" : " --\(vendor.name)-secret-file \(vendor.name).secret")
        )
      ],
      run: { try await HookCommand(vendor, "create", $0).create() })
  }

  private static func list(_ vendor: HookVendor) -> Command {
    Command(
      words: ["webhooks", "list", vendor.name], summary: "list the webhooks at \(vendor.title)",
      description: "Lists all webhooks with their address, events and last answer, those for others included.",
      declarations: vendor.access + HookSettings.connection,
      examples: [("Webhooks at \(vendor.title)", "vsperf webhooks list \(vendor.name) \(vendor.example)")],
      run: { try await HookCommand(vendor, "list", $0).list() })
  }

  private static func check(_ vendor: HookVendor) -> Command {
    Command(
      words: ["webhooks", "check", vendor.name], summary: "compare the webhook at \(vendor.title) with what vsd needs",
      description: """
        Says what a webhook lacks and what to do: events, content type, secret, whether it is switched on, how
        its last deliveries went. Without --url, it checks every webhook whose address ends with /\(vendor.name).
        Exit code 78: something is to be changed.
        """,
      declarations: vendor.access + [HookSettings.address.declaration] + vendor.creation + HookSettings.connection,
      examples: [("Check the one at \(vendor.title)", "vsperf webhooks check \(vendor.name) \(vendor.example)")],
      run: { try await HookCommand(vendor, "check", $0).check() })
  }

  private static func heal(_ vendor: HookVendor) -> Command {
    let description =
      vendor.redeliveryDays.map { days in
        """
        Asks \(vendor.title) to send again what failed in the last \(days) days and did not succeed later, for the events
        that vsd reads. vsd takes nothing twice. Run it again if it was stopped: it goes on with what is left.
        Exit code 75: \(vendor.title) refused to send some of it again.
        """
      } ?? """
        \(vendor.title) sends nothing again. The command says so and ends with exit code 69. Import what was missed:
        vsperf import --help.
        """
    return Command(
      words: ["webhooks", "heal", vendor.name], summary: "ask \(vendor.title) again for deliveries that failed",
      description: description,
      declarations: vendor.access + [HookSettings.address.declaration, HookSettings.dryRun.declaration] + HookSettings.connection,
      examples: [("After vsd was away from \(vendor.title)", "vsperf webhooks heal \(vendor.name) \(vendor.example)")],
      run: { try await HookCommand(vendor, "heal", $0).heal() })
  }
}

/// Implements `vsperf webhooks`.
struct HookCommand: Sendable {
  private let vendor: HookVendor
  private let words: [String]
  private let settings: Settings
  private let address: String?

  init(_ vendor: HookVendor, _ action: String, _ settings: Settings) throws {
    self.vendor = vendor
    self.settings = settings
    words = ["webhooks", action, vendor.name]
    address = try settings.value(of: HookSettings.address)
  }

  // MARK: Actions

  func create() async throws {
    guard let address else {
      throw UsageError("where is vsd? --url https://HOST/\(vendor.name), as \(vendor.title) reaches it", seeing: words)
    }
    guard HookAddress.leadsTo(source: vendor.name, address) else {
      throw UsageError("--url: the path must end with /\(vendor.name), the route of vsd", seeing: words)
    }
    let secret = try vendor.secret?.secrets(in: settings, readFile: Environment.readFile).first
    if vendor.secret != nil, secret == nil {
      let variable = "VS_\(vendor.name.uppercased())_SECRET"
      throw UsageError(
        "which secret? --\(vendor.name)-secret-file FILE or \(variable), the same as vsd's; openssl rand -hex 32 makes one",
        seeing: words)
    }
    let updates = try settings.value(of: HookSettings.update)
    try await forEach { place in
      let setup = HookSetup(place.service)
      var isFine = true
      for scope in place.scopes {
        let plan = HookPlan(address: address, events: place.service.events, secret: secret, scope: scope)
        let outcome = try await setup.create(plan, updates: updates)
        let hook = outcome.hook
        let name = Self.name(of: hook, place.service)
        switch outcome {
        case .created: Self.say("made \(name)")
        case .updated: Self.say("changed \(name)")
        case .unchanged:
          let secretNote = vendor.secret == nil ? "" : "; \(vendor.title) shows no secret, so --update sets it if in doubt"
          Self.say("there is \(name) already, with all that vsd needs\(secretNote)")
          continue
        case .different(_, let findings):
          Self.say("there is \(name) already, but:")
          Self.say(findings)
          isFine = false
          continue
        }
        let left = HookFinding.settings(of: hook, against: plan, at: place.service)
        Self.say(left)
        let ping = await setup.ping(hook)
        Self.say("  \(ping.text)")
        isFine = isFine && left.isEmpty && ping.isFine
      }
      return isFine
    }
  }

  func list() async throws {
    try await forEach { place in
      let hooks = try await place.service.hooks()
      Self.say(
        "\(place.service.place): \(hooks.isEmpty ? "no webhooks" : "\(hooks.count) webhook\(hooks.count == 1 ? "" : "s")")")
      for hook in hooks {
        let isOurs = HookAddress.leadsTo(source: vendor.name, hook.address)
        var hook = hook
        // Few vendors show the last answer in the list.
        if isOurs, hook.lastAnswer == nil, let history = place.service.history {
          hook.lastAnswer = try await history.page(of: hook, after: nil).deliveries.first?.answer
        }
        Self.say("  \(hook.id)  \(Self.shown(hook.address, isOurs: isOurs))  \(Self.state(of: hook))")
        if let events = hook.events { Self.say("      \(events.isEmpty ? "no events" : events.joined(separator: ", "))") }
      }
      return true
    }
  }

  func check() async throws {
    try await forEach { place in
      var isFine = true
      for scope in place.scopes {
        for judgement in try await HookSetup(place.service).check(address: address, scope: scope) {
          let name = judgement.hook.map { Self.name(of: $0, place.service) } ?? place.service.place
          Self.say("\(name):\(judgement.findings.isEmpty ? " has all that vsd needs" : "")")
          Self.say(judgement.findings)
          isFine = isFine && judgement.findings.isEmpty
        }
      }
      return isFine
    }
  }

  func heal() async throws {
    let isDry = try settings.value(of: HookSettings.dryRun)
    var refused = 0
    try await forEach { place in
      guard let history = place.service.history else {
        throw CommandError(
          "\(vendor.title) shows no past deliveries and sends nothing again; import what was missed (vsperf import --help)",
          ExitCode.unavailable)
      }
      let hooks = try await HookSetup(place.service).hooks(address: address)
      if hooks.isEmpty {
        Self.say("\(place.service.place): no webhook for vsd; vsperf webhooks check \(vendor.name) says more")
        return false
      }
      for hook in hooks {
        var memory = HookHealing.Memory()
        var report = HookHealing.Report()
        do throws(APIError) {
          try await HookHealing(history, onPage: Self.progress()).run(hook, memory: &memory, report: &report, isDry: isDry)
        } catch {
          if report.asked > 0 { Self.say(Self.text(of: report, Self.name(of: hook, place.service), isDry: isDry)) }
          throw error
        }
        Self.say(Self.text(of: report, Self.name(of: hook, place.service), isDry: isDry))
        if abs(report.clockDifference) > 300 {
          Self.note(
            "this machine's clock is \(Int(min(abs(report.clockDifference), 1e9))) s from \(vendor.title)'s; set it right")
        }
        refused += report.refused
      }
      return true
    }
    if refused > 0 { throw CommandError("\(vendor.title) will not send \(refused) again", ExitCode.incomplete) }
  }

  /// Returns a report of pages read, for long lists.
  private static func progress() -> @Sendable (Int, Timestamp?) -> Void {
    let pages = Mutex(0)
    return { deliveries, oldest in
      let number = pages.withLock { pages in
        pages += 1
        return pages
      }
      guard number.isMultiple(of: pagesBetweenNotes) else { return }
      note("read \(deliveries) deliveries\(oldest.map { ", back to \($0.rfc3339)" } ?? "")")
    }
  }

  private static let pagesBetweenNotes = 20

  // MARK: Places

  /// Runs an action for each place. A place that cannot be read costs no other.
  ///
  /// - Parameter body: returns false if something is to be changed.
  private func forEach(_ body: (HookVendor.Place) async throws -> Bool) async throws {
    let places: [HookVendor.Place]
    do {
      places = try await vendor.places(settings, words)
    } catch let error as APIError {
      throw CommandError(error.description, ExitCode.unavailable)
    }
    var failed = 0
    var isFine = true
    for place in places {
      do {
        if try await !body(place) { isFine = false }
      } catch let error as APIError {
        guard places.count > 1, error.concern != .everything else {
          throw CommandError(error.description, ExitCode.unavailable)
        }
        Self.note("\(place.service.place): \(error.description)")
        failed += 1
      }
    }
    if failed > 0 { throw CommandError("\(failed) of \(places.count) failed", ExitCode.unavailable) }
    if !isFine { throw ExitStatus(code: ExitCode.configuration) }
  }

  // MARK: Texts

  private static func say(_ text: String) { StandardStream.output.write("\(text)\n") }

  private static func say(_ findings: [HookFinding]) {
    for finding in findings { say("  - \(finding.problem): \(finding.remedy)") }
  }

  private static func note(_ text: String) { StandardStream.error.write("\(Program.name): \(text)\n") }

  private static func name(of hook: Hook, _ service: any HookService) -> String {
    "webhook \(hook.id) of \(service.place) to \(shown(hook.address, isOurs: true))"
  }

  /// Addresses of other receivers may hold secrets in their path.
  private static func shown(_ address: String, isOurs: Bool) -> String {
    isOurs ? WebAddress.withoutSecrets(address) : WebAddress.origin(address).map { "\($0)/..." } ?? "no address"
  }

  private static func state(of hook: Hook) -> String {
    var parts = [hook.isActive ? "on" : "off"]
    if let scope = hook.scope { parts.append("for \(scope)") }
    if let secret = hook.hasSecret { parts.append(secret ? "secret" : "no secret") }
    if let answer = hook.lastAnswer, answer.status != 0 || !answer.text.isEmpty {
      parts.append("last answer: \(answer.description)")
    }
    if let trouble = hook.trouble { parts.append(trouble) }
    return parts.joined(separator: ", ")
  }

  static func text(of report: HookHealing.Report, _ name: String, isDry: Bool) -> String {
    var text = "\(name): read \(count(report.deliveries, "delivery", "deliveries"))"
    text +=
      report.failed == 0 ? "; nothing that vsd reads is missing" : "; \(count(report.failed, "event", "events")) did not arrive"
    if isDry { return text }
    if report.asked > 0 { text += "; asked again for \(report.asked)" }
    if report.delivered > 0 { text += ", of which \(report.delivered) arrived" }
    if report.refused > 0 { text += "; \(report.refused) will not be sent again (\(report.refusal ?? ""))" }
    if report.unread > 0 { text += "; \(report.unread) more failed, of types that vsd does not read" }
    return text
  }

  private static func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
}
