import Testing

@testable import Intake

@Suite("Listen addresses")
struct ListenAddressTests {
  @Test(
    "an address is read",
    arguments: [
      ("127.0.0.1:5000", ListenAddress(host: .v4("127.0.0.1"), port: 5000), true),
      (":5000", ListenAddress(host: .any, port: 5000), false),
      ("[::1]:5000", ListenAddress(host: .v6("::1"), port: 5000), true),
      ("[0:0:0:0:0:0:0:1]:80", ListenAddress(host: .v6("0:0:0:0:0:0:0:1"), port: 80), true),
      ("[::]:5000", ListenAddress(host: .v6("::"), port: 5000), false),
      ("localhost:0", ListenAddress(host: .v4("127.0.0.1"), port: 0), true),
      ("0.0.0.0:65535", ListenAddress(host: .v4("0.0.0.0"), port: 65535), false),
    ])
  func valid(text: String, address: ListenAddress, isLoopback: Bool) throws {
    let read = try ListenAddress(text)
    #expect(read == address)
    #expect(read.isLoopback == isLoopback)
    #expect(try ListenAddress(read.description) == read)
  }

  @Test(
    "what is no address is refused with the text and what was expected",
    arguments: [
      "", "5000", "localhost", "localhost:", ":65536", ":-1", ":+1", ":http", "example.org:80", "::1:5000", "[::1]", "[x]:1",
      "300.0.0.1:80", "127.1:80",
    ])
  func invalid(text: String) {
    let error = #expect(throws: ListenError.self) { try ListenAddress(text) }
    #expect(error?.code == .malformedAddress)
    #expect(error?.description.hasPrefix("\"\(text)\" is not an address to listen on: ") == true)
  }
}
