import PayloadReading

/// `X-Hub-Signature: sha256=<hex>`, HMAC-SHA256 of the body. Other methods, which Jira may come to send, are not believed.
///
/// Source: Atlassian Developer, "Webhooks", section on secure admin webhooks.
enum JiraSignature {
  static let check = SignatureCheck(header: JiraHeader.signature, prefix: "sha256=")
}
