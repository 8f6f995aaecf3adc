import Foundation
import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

@Suite("How Trello signs")
struct TrelloSignatureTests {
  static let address = "https://vs.harbour.example/trello?board=site"
  static let body = #"{"action":{"type":"commentCard"}}"#
  /// The output of `openssl dgst -sha1 -hmac 'harbour app secret' -binary | base64` for body and address.
  static let signature = "spEeM5fR2+UQRlsRp0o1I/XNbIg="

  static func check(
    _ signature: String? = signature, body: String = body, address: String? = address,
    secrets: [String] = ["harbour app secret"]
  ) throws -> AuthenticationError.Code? {
    var delivery = TrelloSourceTests.delivery(body: body)
    delivery.headers["X-Trello-Webhook"] = signature
    let source = try TrelloSource(secrets: secrets.compactMap(Secret.init), callbackURL: address)
    do throws(AuthenticationError) {
      try source.authenticate(delivery, using: SwiftMessageAuthenticator())
      return nil
    } catch {
      return error.code
    }
  }

  @Test("Body and address are signed, with any of the secrets")
  func accepted() throws {
    #expect(try Self.check() == nil)
    #expect(try Self.check(secrets: ["next", "harbour app secret"]) == nil)
    #expect(try Self.check(nil, address: nil, secrets: []) == nil, "without a secret all are believed")
  }

  @Test("The wrong, the missing and the malformed are refused")
  func refused() throws {
    #expect(try Self.check(secrets: ["harbour app secret "]) == .mismatch)
    #expect(try Self.check(body: Self.body + " ") == .mismatch)
    #expect(try Self.check(body: "") == .mismatch)
    for address in [Self.address + "/", "https://vs.harbour.example/trello", "http://vs.harbour.example/trello?board=site"] {
      #expect(try Self.check(address: address) == .mismatch, "\(address)")
    }
    // The signature covers body and address as one string, so the boundary between them may move.
    #expect(try Self.check(body: Self.body + "https", address: String(Self.address.dropFirst(5))) == nil)
    #expect(try Self.check(nil) == .missing)
    #expect(try Self.check("") == .missing)
    for signature in ["x", "spEe", String(Self.signature.dropLast()), "sha1=" + Self.signature, Self.signature + "AAAA"] {
      #expect(try Self.check(signature) == .malformed, "\(signature)")
    }
  }

  @Test("The contract of signatures", arguments: ["createCard.to_do"])
  func contract(name: String) throws {
    let secrets = ["harbour app secret", "another"].compactMap(Secret.init)
    let contract = EventSourceContract(
      source: TrelloSource(), signedSource: try TrelloSource(secrets: secrets, callbackURL: Self.address),
      sample: try TrelloSourceTests.delivery(name)
    ) { body in
      let code = SwiftMessageAuthenticator().authenticationCode(
        .sha1, of: body + Array(Self.address.utf8), key: Array("harbour app secret".utf8))
      return [("X-Trello-Webhook", Data(code).base64EncodedString())]
    }
    contract.checkSignatures()
  }

  @Test("A secret without the address that is signed along is a mistake at start, and says what to set")
  func addressless() {
    let error = #expect(throws: SettingsError.self) {
      try TrelloSource(secrets: ["hunter2"].compactMap(Secret.init), callbackURL: nil)
    }
    #expect(error?.description.contains("VS_TRELLO_CALLBACK_URL") == true)
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test("The signature is not kept")
  func kept() {
    #expect(TrelloSource().keptHeaders == ["Content-Type"])
  }
}
