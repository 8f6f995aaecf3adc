import PayloadReading

/// Checks `X-Hub-Signature: sha256=<hex>`, the HMAC-SHA256 of the body. Other methods, which Jira may add later,
/// fail.
///
/// Source: Atlassian Developer, "Webhooks", section on secure admin webhooks.
enum JiraSignature {
  static let check = SignatureCheck(header: JiraHeader.signature, prefix: "sha256=")
}
