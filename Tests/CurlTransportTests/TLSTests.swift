import CurlTransport
import Foundation
import Testing
import ValueStreamCore

/// Tests against `openssl s_server` with its own certificate authority. The server requires a client certificate.
@Suite("HTTPS through libcurl", .timeLimit(.minutes(20)))
struct TLSTests {
  private static let program = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/openssl" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// In CI a missing `openssl` fails the test. Elsewhere it skips the test.
  private static let isWanted = program != nil || ProcessInfo.processInfo.environment["CI"] != nil

  @Test(
    "A receiver is believed with the right authority, and believes the right certificate", .enabled(if: isWanted, "no openssl"))
  func certificates() async throws {
    let server = try SecureServer(openssl: Self.program ?? "openssl")
    let request = HTTPTransportRequest(method: "GET", url: "https://localhost:\(server.port)/")
    func send(_ change: (inout CurlTransport.Options) -> Void) async throws -> HTTPResponse {
      try await CurlTransportTests.transport(change).send(request)
    }
    let answer = try await send { options in
      options.caFile = server.file("authority.pem")
      options.clientCertificate = server.file("client.pem")
      options.clientKey = server.file("client.key")
    }
    #expect(answer.status == 200)
    #expect(CurlTransportTests.text(answer).contains("tester"))

    await #expect("an authority nobody knows") {
      try await send { $0.clientCertificate = server.file("client.pem") }
    } throws: { CurlTransportTests.code($0) == .untrusted }
    await #expect("an authority that is not there") {
      try await send { $0.caFile = "/nowhere/authority.pem" }
    } throws: { CurlTransportTests.code($0) == .untrusted }
    await #expect("a key that is not there") {
      try await send { options in
        options.caFile = server.file("authority.pem")
        options.clientCertificate = server.file("client.pem")
        options.clientKey = "/nowhere/client.key"
      }
    } throws: { CurlTransportTests.code($0) == .untrusted }
    await #expect("no certificate") {
      try await send { $0.caFile = server.file("authority.pem") }
    } throws: { CurlTransportTests.code($0) == .reset }
    await #expect("the name of another") {
      let other = HTTPTransportRequest(method: "GET", url: "https://127.0.0.1:\(server.port)/")
      return try await CurlTransportTests.transport { $0.caFile = server.file("authority.pem") }.send(other)
    } throws: { CurlTransportTests.code($0) == .untrusted }
  }
}

/// A TLS server with certificates generated for a single test.
private final class SecureServer {
  let port: Int
  private let process = Process()
  private let directory: URL
  private let openssl: String

  init(openssl: String) throws {
    self.openssl = openssl
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let folder = directory
    func run(_ arguments: String) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: openssl)
      process.arguments = arguments.split(separator: " ").map(String.init)
      process.currentDirectoryURL = folder
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }
    let key = "-newkey rsa:2048 -nodes"
    try run("req -x509 \(key) -keyout authority.key -out authority.pem -days 2 -subj /CN=authority")
    for (file, name) in [("server", "localhost"), ("client", "tester")] {
      try run("req \(key) -keyout \(file).key -out \(file).csr -subj /CN=\(name) -addext subjectAltName=DNS:localhost")
      try run(
        "x509 -req -in \(file).csr -CA authority.pem -CAkey authority.key -CAcreateserial -out \(file).pem -days 2 "
          + "-copy_extensions copy")
    }
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: openssl)
    process.arguments =
      "s_server -accept 127.0.0.1:0 -www -Verify 2 -verify_return_error -CAfile authority.pem -cert server.pem -key server.key"
      .split(separator: " ").map(String.init)
    process.currentDirectoryURL = directory
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains(#/ACCEPT \S+:\d+\n/#), case let data = output.fileHandleForReading.availableData, !data.isEmpty {
      text += String(decoding: data, as: UTF8.self)
    }
    port = try #require(text.firstMatch(of: #/ACCEPT \S+:(\d+)/#).flatMap { Int($0.output.1) }, "\(text)")
  }

  deinit {
    process.terminate()
    try? FileManager.default.removeItem(at: directory)
  }

  func file(_ name: String) -> String { directory.appendingPathComponent(name).path }
}
