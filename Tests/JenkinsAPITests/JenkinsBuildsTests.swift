import APIClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import JenkinsAPI

struct JenkinsBuildsTests {
  private static let now = Timestamp(milliseconds: 1_796_000_000_000)

  private static func source(_ transport: TransportFake, jobs: [String], pageSize: Int = 2) -> JenkinsBuilds {
    JenkinsBuilds(
      "https://ci.acme.example", authorization: nil, client: APIClient(transport: transport, sleep: { _ in }), jobs: jobs,
      period: RecordPeriod(), pageSize: pageSize)
  }

  @Test("Builds come in pages by position; new ones that move them show none twice")
  func builds() async throws {
    let build = """
      "result":"UNSTABLE","building":false,"timestamp":1795990000000,"duration":90500,"fullDisplayName":"shop » build #9",
      "url":"https://ci.acme.example/job/shop/job/build/9/","actions":[{},{"causes":[{"shortDescription":"Started by tal","userId":"tal"}]},
      {"lastBuiltRevision":{"SHA1":"abc","branch":[{"name":"origin/main"}]}}]
      """
    let transport = TransportFake { request in
      let isFirst = request.url.contains("%7B0%2C2%7D")
      return .json(
        isFirst
          ? #"{"allBuilds":[{"number":10,"building":true,"timestamp":1795999970000},{"number":9,\#(build)}]}"#
          : #"{"allBuilds":[{"number":9,\#(build)}]}"#)
    }
    let source = Self.source(transport, jobs: ["shop/build"])
    let first = try await source.page(of: "shop/build", after: nil, atMost: nil)
    let second = try await source.page(of: "shop/build", after: first.next, atMost: nil)
    #expect(second.rows.isEmpty && second.next == nil)
    #expect(transport.requests[0].url.hasPrefix("https://ci.acme.example/job/shop/job/build/api/json?tree=allBuilds%5B"))
    #expect(transport.requests[0].headers["Authorization"] == nil)
    #expect(first.rows.allSatisfy { $0.count == source.columns.count })
    #expect(first.rows[0][5] == "running" && first.rows[0][6] == "" && first.rows[0][4] == "")
    #expect(
      first.rows[1]
        == [
          "shop", "build", "2026-11-29T22:06:40Z", "2026-11-29T22:06:40Z", "2026-11-29T22:08:10.5Z", "unstable", "90.5", "9",
          "tal",
          "https://ci.acme.example/job/shop/job/build/9/", "shop » build #9", "9", "origin/main", "abc", "Started by tal",
        ])
  }

  @Test("Without a job all are read, those in folders too")
  func jobs() async throws {
    let transport = TransportFake { _ in
      .json(
        #"{"jobs":[{"fullName":"z"},{"fullName":"shop","jobs":[{"fullName":"shop/build"},{"fullName":"shop/empty","jobs":[]}]},{}]}"#
      )
    }
    #expect(try await Self.source(transport, jobs: []).containers().names == ["shop/build", "z"])
  }
}
