package import APIClient
import ValueStreamCore

/// Makes, compares and checks the webhooks of a place.
package struct HookSetup: Sendable {
  package let service: any HookService
  private let sleep: @Sendable (Duration) async throws -> Void

  /// How often the answer to a ping is looked for, a second apart.
  private static let pingLooks = 8

  /// Creates a setup.
  ///
  /// - Parameter sleep: waits for a duration; tests replace it.
  package init(
    _ service: any HookService, sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.service = service
    self.sleep = sleep
  }

  // MARK: Create

  package enum Outcome: Sendable, Hashable {
    case created(Hook)
    case updated(Hook)
    /// There is one with this address, which has all that vsd needs.
    case unchanged(Hook)
    /// There is one with this address, which lacks something.
    case different(Hook, [HookFinding])

    package var hook: Hook {
      switch self {
      case .created(let hook), .updated(let hook), .unchanged(let hook), .different(let hook, _): hook
      }
    }
  }

  /// Makes a webhook, unless there is one with the address.
  ///
  /// - Parameter updates: true to change one that is there.
  package func create(_ plan: HookPlan, updates: Bool) async throws(APIError) -> Outcome {
    if let hook = try await existing(plan) {
      if updates { return .updated(try await service.update(hook, to: plan)) }
      let findings = HookFinding.settings(of: hook, against: plan, at: service)
      return findings.isEmpty ? .unchanged(hook) : .different(hook, findings)
    }
    do throws(APIError) {
      return .created(try await service.create(plan))
    } catch {
      // No answer does not mean that nothing was made.
      guard error.code == .unavailable || error.code == .unreachable, let hook = try? await existing(plan) else { throw error }
      return .created(hook)
    }
  }

  private func existing(_ plan: HookPlan) async throws(APIError) -> Hook? {
    let hooks = try await service.hooks()
    if service.hasOneWebhook { return hooks.first }
    return hooks.first { hook in
      HookAddress.areSame(hook.address, plan.address) && (!service.hasWebhookPerScope || hook.scope == plan.scope)
    }
  }

  /// Pings a webhook and waits a few seconds for the answer.
  ///
  /// - Returns: a message for the user, and whether nothing speaks against the receiver.
  package func ping(_ hook: Hook) async -> (text: String, isFine: Bool) {
    do throws(APIError) {
      let before = try await service.history?.page(of: hook, after: nil).deliveries.first?.id
      switch try await service.ping(hook) {
      case .unavailable(let reason): return (reason, true)
      case .answered(let answer): return (text(of: answer, hook), answer.isSuccess)
      case .sent: break
      }
      guard let history = service.history else { return ("the vendor sends a ping", true) }
      for _ in 0..<Self.pingLooks {
        do {
          try await sleep(.seconds(1))
        } catch {
          throw APIError(.cancelled, "cancelled")
        }
        if let delivery = try await history.page(of: hook, after: nil).deliveries.first, delivery.id != before {
          return (text(of: delivery.answer, hook), delivery.answer.isSuccess)
        }
      }
      return ("the vendor was asked for a ping; vsperf webhooks check \(service.source) tells how it was answered", true)
    } catch {
      return ("the ping failed: \(error.description)", false)
    }
  }

  private func text(of answer: HookAnswer, _ hook: Hook) -> String {
    guard !answer.isSuccess else { return "its ping was answered \(answer.description)" }
    let remedy = HookFinding.remedy(for: answer, source: service.source, address: hook.address)
    return "its ping was answered with \(answer.description): \(remedy)"
  }

  // MARK: Check

  /// The webhooks for vsd: those with the address, or without one, those whose address ends with the name of the source.
  package func hooks(address: String?) async throws(APIError) -> [Hook] {
    let source = service.source
    return try await service.hooks().filter { hook in
      address.map { HookAddress.areSame(hook.address, $0) } ?? HookAddress.leadsTo(source: source, hook.address)
    }
  }

  /// A webhook, and what is wrong with it.
  package struct Judgement: Sendable, Hashable {
    /// Nil if there is none.
    package var hook: Hook?
    package var findings: [HookFinding]
  }

  /// Compares the webhooks for vsd with what it needs, and looks at their last deliveries.
  package func check(address: String?, scope: String? = nil) async throws(APIError) -> [Judgement] {
    let isScoped = service.hasWebhookPerScope && scope != nil
    let hooks = try await hooks(address: address).filter { !isScoped || $0.scope == scope }
    let source = service.source
    guard !hooks.isEmpty else {
      let destination = address.map { "to \(WebAddress.withoutSecrets($0))" } ?? "whose address ends with /\(source)"
      let finding = HookFinding(
        .missing, "there is no webhook \(destination)\(isScoped ? " for \(scope ?? "")" : "")",
        "make one: vsperf webhooks create \(source) --url https://HOST/\(source)")
      return [Judgement(hook: nil, findings: [finding])]
    }
    var judgements: [Judgement] = []
    for hook in hooks {
      let plan = HookPlan(address: hook.address, events: service.events, secret: nil, scope: scope)
      var findings = HookFinding.settings(of: hook, against: plan, at: service)
      var last = hook.lastAnswer
      if let history = service.history {
        let deliveries = try await history.page(of: hook, after: nil).deliveries
        last = deliveries.first?.answer ?? last
        let failed = HookHealing.failures(in: deliveries, history)
        if failed > 0 {
          findings.append(
            HookFinding(
              .failedDeliveries, "\(failed) of its last \(deliveries.count) deliveries failed and did not succeed later",
              "ask for them again: vsperf webhooks heal \(source)"))
        }
      }
      if let finding = HookFinding.lastAnswer(last, source: source, address: hook.address) { findings.append(finding) }
      judgements.append(Judgement(hook: hook, findings: findings))
    }
    // Two webhooks for the same receiver send everything twice.
    for (index, hook) in hooks.enumerated() {
      let twin = hooks[..<index].first { HookAddress.areSame($0.address, hook.address) && $0.scope == hook.scope }
      guard let twin else { continue }
      judgements[index].findings.append(
        HookFinding(.several, "it has the same address as \(twin.id), so everything is sent twice", "delete one of them"))
    }
    return judgements
  }
}
