import Testing
import ValueStreamCore

@Suite("Addresses")
struct WebAddressTests {
  @Test(
    "In messages they have no user, no password and no query",
    arguments: [
      ("https://tal:secret@ci.example:8080/x", "https://ci.example:8080/x"), ("http://key@host", "http://host"),
      ("http://user:p@ss@host/x@y", "http://host/x@y"), ("https://host/x?token=secret", "https://host/x"),
      ("https://host?to=a@b", "https://host"), ("https://host#secret", "https://host"), ("host", "host"),
    ])
  func withoutSecrets(address: String, shown: String) {
    #expect(WebAddress.withoutSecrets(address) == shown)
  }

  @Test("What stands behind a question mark is no part of the host, and no path")
  func parts() {
    #expect(WebAddress.host("https://host?to=a@b") == "host")
    #expect(WebAddress.path("https://host?x=/y") == nil)
    #expect(WebAddress.path("https://host/a/b?x") == "a/b")
    #expect(WebAddress.split("https://tal@Host:81/a?x")?.host == "host:81")
    #expect(WebAddress.split("https://tal@Host:81/a?x")?.rest == "a?x")
  }

  @Test("Settings take those of HTTP", arguments: ["http://127.0.0.1:5000", "HTTPS://host/path?x=y", "http://[::1]:4318"])
  func settings(text: String) throws {
    #expect(try WebAddress.setting(text, example: "x") == text)
    #expect(try WebAddress.server("\(text)//", example: "x") == text)
  }

  @Test(
    "Others are mistakes",
    arguments: ["", "host:80", "ftp://host", "http://", "http://:80", "http:///x", "http://ho st", "http://h\n"])
  func mistakes(text: String) {
    #expect(throws: SettingError(expected: "an address such as http://host")) {
      try WebAddress.setting(text, example: "http://host")
    }
  }

  @Test("What may be a secret in one is not shown", arguments: ["http://tal@", "tal:secret@host:4317", "grpc://host?key=secret"])
  func secretsInMistakes(text: String) {
    #expect(throws: SettingError(expected: "an address such as http://host", isTextHidden: true)) {
      try WebAddress.setting(text, example: "http://host")
    }
  }
}
