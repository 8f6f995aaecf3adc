import ValueStreamCore

/// Something about a webhook that keeps vsd from getting all that it reads, and what to do.
package struct HookFinding: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case missing, several, address, inactive, held, events, contentType, secret, certificate, body, scope, lastDelivery,
      failedDeliveries
  }

  package var kind: Kind
  package var problem: String
  package var remedy: String

  package init(_ kind: Kind, _ problem: String, _ remedy: String) {
    self.kind = kind
    self.problem = problem
    self.remedy = remedy
  }

  /// Compares the settings of a webhook with what vsd needs.
  ///
  /// - Parameter needsSecret: false for vendors whose webhooks have no secret of their own.
  package static func settings(of hook: Hook, against plan: HookPlan, at service: some HookService) -> [HookFinding] {
    let update = "vsperf webhooks create \(service.source) --update"
    var findings: [HookFinding] = []
    if !HookAddress.areSame(hook.address, plan.address) {
      let other = WebAddress.origin(hook.address) ?? "another address"
      findings.append(HookFinding(.address, "it sends to \(other), which then gets nothing more", "take it over: \(update)"))
    }
    if !hook.isActive { findings.append(HookFinding(.inactive, "it is switched off", "switch it on: \(update)")) }
    if let events = hook.events, !events.contains("*") {
      let lacking = plan.events.filter { !events.contains($0) }
      if !lacking.isEmpty {
        findings.append(
          HookFinding(
            .events, "it does not send \(lacking.joined(separator: ", "))", service.manualRemedy ?? "add them: \(update)"))
      }
    }
    if let type = hook.contentType, type != "json", type != "form" {
      findings.append(HookFinding(.contentType, "its content type is \(type), which vsd cannot read", "set json: \(update)"))
    }
    if hook.excludesBody { findings.append(HookFinding(.body, "it sends events without their content", "include it: \(update)")) }
    if hook.hasSecret == false {
      findings.append(
        HookFinding(
          .secret, "it has no secret, so vsd refuses its deliveries, or takes those of anybody if it has none either",
          "set that of vsd: \(update)"))
    }
    if hook.verifiesCertificate == false, plan.address.lowercased().hasPrefix("https:") {
      findings.append(
        HookFinding(.certificate, "the vendor does not check the certificate of the receiver", "let it check: \(update)"))
    }
    if let wanted = plan.scope, let scope = hook.scope, scope != wanted {
      findings.append(HookFinding(.scope, "it is limited to \(scope), not to \(wanted)", "change it: \(update)"))
    }
    if let trouble = hook.trouble {
      findings.append(
        HookFinding(.held, trouble, "make the receiver answer 200 (see the last answer), then switch it on again: \(update)"))
    }
    return findings
  }

  /// Judges the last answer of the receiver.
  package static func lastAnswer(_ answer: HookAnswer?, source: String, address: String) -> HookFinding? {
    guard let answer, !answer.isSuccess else { return nil }
    return HookFinding(
      .lastDelivery, "its last delivery got \(answer.description)", remedy(for: answer, source: source, address: address))
  }

  /// What to do about an answer of a receiver that is no success.
  static func remedy(for answer: HookAnswer, source: String, address: String) -> String {
    switch answer.status {
    case 0:
      "is vsd running, and can the vendor reach \(WebAddress.withoutSecrets(address)) (name, firewall, certificate)?"
    case 300..<400: "the address has moved; webhooks follow no redirect, so enter the final address"
    case 401: "the secrets differ: vsperf webhooks create \(source) --update with the secret that vsd has"
    case 403: "a proxy in front of vsd refuses the vendor; allow its addresses"
    case 404, 405: "the path is not vsd's: it must end with /\(source)"
    case 413: "a proxy in front of vsd, or --max-body of vsd, allows only smaller bodies"
    case 415: "set the content type to json: vsperf webhooks create \(source) --update"
    case 422, 400: "vsd could not read it: GET /api/v1/deliveries?result=unreadable says why"
    case 503: "vsd could not write its log, or a proxy did not reach vsd; its log says why"
    case 500...: "a proxy in front of vsd did not reach it; is vsd running?"
    default: "look at the vendor's list of deliveries for the answer"
    }
  }
}
