import GitLabWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("How GitLab says who it is")
struct GitLabSignatureTests {
  /// The key of the test vectors in the Standard Webhooks libraries.
  static let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  static let signedAt: Int64 = 1_614_265_330

  static func delivery(
    receivedAfter seconds: Int64 = 0, id: String? = "msg_p5jXN8AQM9LWM0D4loKWxJek", time: String? = "1614265330",
    signature: String? = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", token: String? = nil,
    body: String = "{\"test\": 2432232314}"
  ) -> Delivery {
    var headers = HTTPHeaders()
    headers["webhook-id"] = id
    headers["webhook-timestamp"] = time
    headers["webhook-signature"] = signature
    headers["X-Gitlab-Token"] = token
    return Delivery(
      source: "gitlab", received: Timestamp(seconds: signedAt + seconds), headers: headers, body: Array(body.utf8))
  }

  static func check(_ delivery: Delivery, secrets: [String] = [key]) throws -> AuthenticationError.Code? {
    let source = try GitLabSource(secrets: secrets.compactMap(Secret.init))
    do throws(AuthenticationError) {
      try source.authenticate(delivery, using: SwiftMessageAuthenticator())
      return nil
    } catch {
      return error.code
    }
  }

  @Test("The published signature is accepted, also among others and while keys rotate")
  func vector() throws {
    #expect(try Self.check(Self.delivery()) == nil)
    #expect(try Self.check(Self.delivery(), secrets: ["whsec_bmV3", Self.key]) == nil)
    let several = "v1a,xyz v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    #expect(try Self.check(Self.delivery(signature: several)) == nil)
  }

  @Test("The wrong, the missing and the malformed are refused")
  func refused() throws {
    #expect(try Self.check(Self.delivery(body: "{\"test\": 2432232315}")) == .mismatch)
    #expect(try Self.check(Self.delivery(id: "msg_other")) == .mismatch)
    #expect(try Self.check(Self.delivery(time: "1614265331")) == .mismatch)
    #expect(try Self.check(Self.delivery(), secrets: ["whsec_bmV3"]) == .mismatch)
    #expect(try Self.check(Self.delivery(signature: nil)) == .missing)
    #expect(try Self.check(Self.delivery(signature: "")) == .missing)
    #expect(try Self.check(Self.delivery(id: nil)) == .missing)
    #expect(try Self.check(Self.delivery(time: nil)) == .missing)
    #expect(try Self.check(Self.delivery(time: "yesterday")) == .missing)
    for signature in ["v1", "v1,", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,***"] {
      #expect(try Self.check(Self.delivery(signature: signature)) != nil, "\(signature)")
    }
  }

  @Test("Late by more than five minutes, or replayed then, is refused; a clock may be off either way")
  func window() throws {
    for seconds: Int64 in [-300, 300] { #expect(try Self.check(Self.delivery(receivedAfter: seconds)) == nil) }
    for seconds: Int64 in [-301, 301, 86_400] {
      #expect(try Self.check(Self.delivery(receivedAfter: seconds)) == .expired)
    }
  }

  @Test("A replay within the window is known by the id that was signed, whatever else is added")
  func replay() throws {
    var replayed = Self.delivery()
    replayed.headers["Idempotency-Key"] = "another"
    let source = try GitLabSource(secrets: [Secret(Self.key)].compactMap { $0 })
    #expect(try Self.check(replayed) == nil)
    #expect(source.deliveryID(of: replayed) == source.deliveryID(of: Self.delivery()))
    #expect(source.deliveryID(of: replayed) != nil)
  }

  @Test("A configured key is required, and a signature that is sent is checked: no way around by a token")
  func noDowngrade() throws {
    let token = Self.delivery(signature: nil, token: "secret")
    #expect(try Self.check(token, secrets: ["secret"]) == nil)
    #expect(try Self.check(token, secrets: ["other", "secret"]) == nil)
    #expect(try Self.check(token, secrets: ["other"]) == .mismatch)
    #expect(try Self.check(token, secrets: ["secret", Self.key]) == .missing)
    #expect(try Self.check(Self.delivery(token: "secret"), secrets: ["secret"]) == .mismatch)
    #expect(try Self.check(Self.delivery(signature: nil), secrets: ["secret"]) == .missing)
    #expect(try Self.check(Self.delivery(signature: "nonsense"), secrets: []) == nil, "nothing to check with")
  }

  @Test("A key that is not whole is a mistake at start, and is not shown")
  func brokenKey() {
    for text in ["whsec_", "whsec_*", "whsec_abc"] {
      let error = #expect(throws: SettingsError.self) { try GitLabSource(secrets: [Secret(text)].compactMap { $0 }) }
      #expect(error?.description.contains("gitlab-secret") == true)
      #expect(error?.description.contains(text.dropFirst(6).isEmpty ? "\u{0}" : "\(text) ") == false)
    }
  }
}
