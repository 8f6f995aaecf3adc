import APIClient
import Foundation
import IntakeClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import ForgeFetch

@Suite("Imports of history")
struct HistoryImportTests {
  /// Two containers with a delivery on each page.
  private struct History: Importer {
    var failing: String?

    func containers() async throws(APIError) -> RecordContainers { RecordContainers(["acme/a issues", "acme/b runs"]) }

    func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> SourcePage<
      ImportedDelivery
    > {
      let number = cursor.flatMap { Int($0) } ?? 0
      if failing == "\(container) \(number)" { throw APIError(.unauthorized, "no") }
      let delivery = ImportedDelivery(
        source: "github", id: ("issues", "\(container.utf8.count)", "\(number)"), time: StoreSamples.time(Int64(number)),
        body: Array(#"{"container":"\#(container)","page":\#(number)}"#.utf8))
      return SourcePage(rows: [delivery].compactMap(\.self), next: number < 2 ? "\(number + 1)" : nil)
    }

    func estimate(of container: String) async throws(APIError) -> ImportEstimate { ImportEstimate(records: 30, requests: 3) }

    func quota() async throws(APIError) -> RequestQuota? { nil }
  }

  private static let options = HistoryImport.Options(since: nil, concurrency: 2)

  private static func history(_ directory: TemporaryDirectory, isResumed: Bool = false) throws -> HistoryImport {
    try HistoryImport(
      stateAt: directory.file("state"), fingerprint: ["x"], isResumed: isResumed,
      progress: FetchProgress(name: "test", isTerminal: false, unit: .deliveries) { _ in })
  }

  private static func run(_ importer: History, _ directory: TemporaryDirectory, isResumed: Bool = false) async throws {
    try await history(directory, isResumed: isResumed).run(importer, options) { bytes in
      try ImportSink(file: directory.file("out.ndjson"), keeping: bytes)
    }
  }

  private static func bodies(_ directory: TemporaryDirectory) throws -> [String] {
    let file = try Data(contentsOf: URL(fileURLWithPath: directory.file("out.ndjson")))
    return Array(file).split(separator: UInt8(ascii: "\n")).compactMap { HistoryDelivery(line: Array($0)) }.map {
      String(decoding: $0.body, as: UTF8.self)
    }
  }

  @Test(
    "an interrupted import that is resumed writes each delivery once",
    arguments: ["acme/a issues 0", "acme/a issues 2", "acme/b runs 0", "acme/b runs 1"]) func resumed(failing: String)
    async throws
  {
    let (whole, broken) = (try TemporaryDirectory(), try TemporaryDirectory())
    try await Self.run(History(), whole)
    await #expect { try await Self.run(History(failing: failing), broken) } throws: {
      ($0 as? FetchError)?.code == .unavailable && "\($0)".hasSuffix("--resume goes on from here")
    }
    try await Self.run(History(), broken, isResumed: true)
    #expect(try Self.bodies(broken).sorted() == Self.bodies(whole).sorted())
    #expect(try Self.bodies(whole).count == 6)
    #expect(try broken.files(in: ".") == ["out.ndjson"])
  }

  @Test("a vsd that refuses a delivery ends the import, which goes on from the page before")
  func refused() async throws {
    let directory = try TemporaryDirectory()
    func sink(_ vsd: TransportFake) -> ImportSink {
      ImportSink(
        server: "http://vsd",
        sender: DeliverySender(
          receiver: "http://vsd", secrets: [:], importSecret: Secret("s"), transport: vsd,
          authenticator: SwiftMessageAuthenticator()), connections: 1)
    }
    let strict = TransportFake { request in
      .json("", status: String(decoding: request.body, as: UTF8.self).contains(#""page":1"#) ? 422 : 200)
    }
    await #expect { try await Self.history(directory).run(History(), Self.options) { _ in sink(strict) } } throws: {
      ($0 as? FetchError)?.code == .unavailable
    }
    let vsd = TransportFake { _ in .json("") }
    try await Self.history(directory, isResumed: true).run(History(), Self.options) { _ in sink(vsd) }
    let taken = Set((strict.requests + vsd.requests).map { String(decoding: $0.body, as: UTF8.self) })
    #expect(taken.count == 6)
    #expect(strict.requests.count + vsd.requests.count == 7, "only what was refused is sent twice")
  }

  @Test("the plan sums up records and requests by kind, and reads no history")
  func plan() async throws {
    let text = try await Self.history(TemporaryDirectory()).plan(History(failing: "acme/a issues 0"), Self.options)
    let rows = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.prefix(4) == [["RECORDS", "REQUESTS"], ["issues", "30", "3"], ["runs", "30", "3"], ["all", "60", "6"]])
  }
}
