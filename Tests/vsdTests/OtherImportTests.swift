import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// `vsperf import jenkins` and `vsperf import trello`. What imports share is tested with GitHub.
@Suite("vsperf import jenkins and trello")
struct OtherImportTests {
  private static let environment = ["VS_IMPORT_SECRET": "import me", "VS_TRELLO_KEY": "k", "VS_TRELLO_TOKEN": "t"]

  private static func keys(_ arguments: [String], _ server: VendorServer) throws -> [String] {
    let home = try VSDProcess.Home()
    let vsd = try VSDProcess(["--settle=0s", "--tracer=none", "--store=memory"], environment: environment)
    let result = try VSPerf.run(
      ["import"] + arguments + [
        "--url", server.url, "--server", "http://127.0.0.1:\(vsd.ports[0])", "--state", "\(home.path)/state",
      ], environment: environment)
    #expect(result.exit == .code(0), "\(result.errors)")
    return try HistoryTests.spans(of: vsd).compactMap { $0["key"]?.text }
  }

  @Test("jenkins")
  func jenkins() throws {
    let server = try VendorServer { request in
      if request.target.hasPrefix("/api/json") {
        return .json(#"{"jobs":[{"fullName":"shop","jobs":[{"fullName":"shop/build"}]}]}"#)
      }
      return .json(
        #"{"allBuilds":[{"number":7,"result":"FAILURE","timestamp":1795990000000,"duration":60000,"url":"http://ci/job/shop/job/build/7/"}]}"#
      )
    }
    let keys = try Self.keys(["jenkins"], server)
    #expect(keys.count == 1 && keys.first?.hasSuffix(":shop%2Fbuild:build:7") == true, "\(keys)")
  }

  @Test("trello")
  func trello() throws {
    let server = try VendorServer { request in
      guard request.target.contains("/actions?") else { return .json(#"{"id":"b"}"#) }
      return .json(
        #"""
        [{"id":"a1","type":"createCard","date":"2026-11-20T08:00:00.000Z","data":{"card":{"id":"6921e0b0ddc1b351ef000001",
        "name":"c"},"list":{"id":"l","name":"To Do"},"board":{"id":"b","name":"Shop"}}}]
        """#)
    }
    #expect(try Self.keys(["trello", "--board=b"], server) == ["trello:trello.com::issue:6921e0b0ddc1b351ef000001"])
    let none = try VSPerf.run(["import", "trello", "--board=b", "--out=x"], environment: [:])
    #expect(none.exit == .code(64) && none.errors.hasPrefix("vsperf: Trello wants a key and a token"), "\(none.errors)")
  }
}
