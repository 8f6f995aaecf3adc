import APIClient
import Foundation
import GitHubAPI
import GitHubServer
import GitHubWebhooks
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitHubImport

@Suite("The importer of GitHub")
struct GitHubImporterTests {
  /// One organisation for all tests that do not change it.
  private static let organization = Result { try ImportedOrganization(seed: 4, days: 4) }

  private static func ids(_ deliveries: [ImportedDelivery]) -> [String] { deliveries.map(\.mark.id) }

  /// Serves an organisation and fails at some requests.
  private struct Faulty: HTTPTransport {
    let server: GitHubHistoryServer
    /// Returns the answer to a request that fails: by its address and body, and how often it was sent before.
    let fault: @Sendable (_ url: String, _ body: String, _ before: Int) -> HTTPResponse?
    let counts = Counts()

    final class Counts: Sendable {
      let byRequest = Mutex<[String: Int]>([:])
      var all: Int { byRequest.withLock { $0.values.reduce(0, +) } }
    }

    func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
      let body = String(decoding: request.body, as: UTF8.self)
      let before = counts.byRequest.withLock { counts in
        counts[request.url + body, default: 0] += 1
        return (counts[request.url + body] ?? 1) - 1
      }
      if let answer = fault(request.url, body, before) { return answer }
      return try await server.send(request)
    }
  }

  @Test("imports the same, whatever fails for a while")
  func faults() async throws {
    let organization = try Self.organization.get()
    let whole = try await ImportedOrganization.deliveries(of: organization.server, organization.repositories)
    #expect(whole.count > 400)
    #expect(Set(Self.ids(whole)).count == whole.count, "each delivery has an id of its own")
    for kind in 0..<4 {
      let faulty = Faulty(server: organization.server) { Self.fault(kind, $0, before: $2) }
      let again = try await ImportedOrganization.deliveries(of: faulty, organization.repositories)
      #expect(again == whole, "\(kind)")
    }
  }

  private static func fault(_ kind: Int, _ url: String, before: Int) -> HTTPResponse? {
    switch kind {
    case 0: before == 0 ? .json("<html>Bad gateway</html>", status: 502) : nil
    case 1:
      before == 0 && url.utf8.count % 3 == 0
        ? HTTPResponse(status: 403, headers: ["Retry-After": "1"], body: Array(#"{"message":"secondary rate limit"}"#.utf8)) : nil
    case 2: url.contains("/jobs?") && url.contains("per_page=80") && before < 3 ? .json("{}", status: 502) : nil
    default:
      before == 0 && url.hasSuffix("/graphql")
        ? .json(#"{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}"#) : nil
    }
  }

  @Test("a node that GitHub cannot read costs its timeline, and nothing else")
  func brokenNode() async throws {
    let organization = try Self.organization.get()
    let repository = try #require(organization.repositories.first)
    let broken = try #require(
      organization.server.history.repositories[repository]?.changes.first { $0.details.contains("APPROVED") })
    var server = organization.server
    server.brokenNodes = [broken.nodeID]
    let steps = try await ImportedOrganization.steps(of: server, [repository], kinds: [.pullRequests])
    #expect(steps.reduce(0) { $0 + $1.missing } == 1)
    #expect(steps.flatMap(\.notes).count == 1)
    #expect(steps.flatMap(\.notes).first?.contains("the timeline of #") == true)
    let whole = try await ImportedOrganization.deliveries(of: organization.server, [repository], kinds: [.pullRequests])
    let lost = Set(Self.ids(whole)).subtracting(Self.ids(steps.flatMap(\.rows)))
    #expect(!lost.isEmpty)
    let own = lost.filter { $0.hasPrefix("import:pull_request:\(broken.id):") }
    // The others are reviews, comments and the branch of the same pull request.
    #expect(lost.subtracting(own).allSatisfy { !$0.hasPrefix("import:pull_request:") })
    let kept = Self.ids(steps.flatMap(\.rows)).filter { $0.hasPrefix("import:pull_request:\(broken.id):") }
    #expect(kept.contains { $0.contains(":opened.") } && kept.contains { $0.contains(":closed.") || $0.contains(":edited.") })

    // A server error that stays costs only the node, too.
    let stubborn = Faulty(server: organization.server) { _, body, _ in
      body.contains("\"\(broken.nodeID)\"") ? .json("{}", status: 502) : nil
    }
    let rest = try await ImportedOrganization.steps(of: stubborn, [repository], kinds: [.pullRequests])
    #expect(Self.ids(rest.flatMap(\.rows)) == Self.ids(steps.flatMap(\.rows)))
    #expect(rest.reduce(0) { $0 + $1.missing } == 1)
  }

  @Test("says what to do about a repository that is not there, a right that is missing and a page of HTML")
  func mistakes() async throws {
    let organization = try Self.organization.get()
    let names = ["harbour/none", try #require(organization.repositories.first)]
    let steps = try await ImportedOrganization.steps(of: organization.server, names, kinds: [.issues])
    #expect(steps.first?.failure?.description.hasSuffix("; check the name, and that the token may see the repository") == true)
    #expect(steps.dropFirst().flatMap(\.rows).isEmpty == false, "the other repository is imported")
    let refusing = Faulty(server: organization.server) { url, _, _ in
      url.contains("/actions/") ? .json(#"{"message":"Resource not accessible by personal access token"}"#, status: 403) : nil
    }
    let some = try await ImportedOrganization.steps(of: refusing, [names[1]], kinds: [.workflowRuns, .releases])
    #expect(some.first?.failure?.description.hasSuffix("; the token needs the permission to read Actions") == true)
    #expect(some.last?.failure == nil)
    let page = Faulty(server: organization.server) { _, _, _ in .json("\n<!DOCTYPE html><p>Sign in</p>") }
    let failed = try await ImportedOrganization.steps(of: page, [names[1]], kinds: [.issues])
    #expect(failed.first?.failure?.description.contains("a web page and not JSON") == true)
  }

  @Test("follows a repository that was renamed, but sends the token nowhere else")
  func renamed() async throws {
    let organization = try Self.organization.get()
    let name = try #require(organization.repositories.first)
    let json = Data(try #require(organization.server.history.repositories[name]?.json).utf8)
    let id = try #require((try JSONSerialization.jsonObject(with: json) as? [String: Any])?["id"] as? Int)
    var server = organization.server
    server.formerNames = ["harbour/former": "\(id)"]
    let moving = Faulty(server: server) { url, _, _ in
      guard url.hasSuffix("/repos/harbour/former") else { return nil }
      var moved = HTTPResponse.json("{}", status: 301)
      moved.headers["Location"] = "https://api.github.com/repositories/\(id)"
      return moved
    }
    let old = try await ImportedOrganization.deliveries(of: moving, ["harbour/former"], kinds: [.issues])
    let new = try await ImportedOrganization.deliveries(of: organization.server, [name], kinds: [.issues])
    #expect(Self.ids(old) == Self.ids(new))
    #expect(old.first?.headers == new.first?.headers && old.first?.body.count == new.first?.body.count)
    let luring = Faulty(server: server) { url, _, _ in
      var moved = HTTPResponse.json("{}", status: 301)
      moved.headers["Location"] = "https://api.github.com.evil.example/repositories/\(id)"
      return url.hasSuffix("/repos/harbour/former") ? moved : nil
    }
    let steps = try await ImportedOrganization.steps(of: luring, ["harbour/former"], kinds: [.issues])
    #expect(steps.first?.failure?.code == .refused)
    #expect(luring.counts.all == 1)
  }

  @Test("reads a part: what changed since, and what began before")
  func period() async throws {
    let organization = try Self.organization.get()
    let middle = ImportedOrganization.until.advanced(bySeconds: -86_400)
    let since = try await ImportedOrganization.deliveries(
      of: organization.server, organization.repositories, kinds: [.pullRequests, .issues, .deployments],
      period: RecordPeriod(since: middle))
    let until = try await ImportedOrganization.deliveries(
      of: organization.server, organization.repositories, kinds: [.pullRequests, .issues, .deployments],
      period: RecordPeriod(until: middle))
    let all = try await ImportedOrganization.deliveries(
      of: organization.server, organization.repositories, kinds: [.pullRequests, .issues, .deployments])
    #expect(Set(Self.ids(since)).union(Self.ids(until)) == Set(Self.ids(all)), "both halves are the whole")
    #expect(since.count < all.count && until.count < all.count)
  }
}

@Suite("The periods of runs")
struct RunWindowsTests {
  @Test("all runs are found, however many began in one period, and none twice")
  func halving() async throws {
    // 2,600 runs, most of them in one hour.
    let start: Int64 = 1_790_000_000
    let times = (0..<2600).map { index in start + (index < 2300 ? 500_000 + Int64(index) : Int64(index) * 300) }
    let runs = times.enumerated().map { index, time in
      let text = Timestamp(seconds: time).rfc3339
      return (
        id: index + 1, time: time,
        json: #"{"id":\#(index + 1),"status":"completed","conclusion":"success","created_at":"\#(text)","updated_at":"\#(text)"}"#
      )
    }.sorted { $0.time > $1.time }
    let windowCount = Mutex(0)
    let transport = TransportFake { request in
      if request.url.contains("/jobs?") { return .json(#"{"total_count":0,"jobs":[]}"#) }
      guard request.url.contains("/actions/runs?") else {
        return .json(
          #"{"id":1,"full_name":"acme/site","created_at":"\#(Timestamp(seconds: start).rfc3339)","default_branch":"main"}"#)
      }
      let query = Dictionary(
        (URLComponents(string: request.url)?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
      let ends = (query["created"] ?? "").components(separatedBy: "..").compactMap { Timestamp(rfc3339: $0)?.seconds }
      let page = Int(query["page"] ?? "") ?? 1
      if page == 1 { windowCount.withLock { $0 += 1 } }
      let found = runs.filter { ends.count == 2 && $0.time >= ends[0] && $0.time <= ends[1] }
      // GitHub lists no more than 1,000.
      let shown = found.prefix(1000).dropFirst((page - 1) * 50).prefix(50)
      var response = HTTPResponse.json(
        #"{"total_count":\#(found.count),"workflow_runs":[\#(shown.map(\.json).joined(separator: ","))]}"#)
      if page * 50 < min(found.count, 1000) { response.headers["Link"] = "<https://x.example/?page=\(page + 1)>; rel=\"next\"" }
      return response
    }
    let steps = try await ImportedOrganization.steps(of: transport, ["acme/site"], kinds: [.workflowRuns])
    #expect(steps.compactMap(\.failure) == [])
    let deliveries = steps.flatMap(\.rows)
    let completed = deliveries.filter { $0.mark.id.hasSuffix(".completed") }
    #expect(completed.count == 2600)
    #expect(Set(completed.map(\.mark.id)).count == 2600)
    #expect(windowCount.withLock { $0 } < 60)
  }

  @Test("a position can be written and read, and a wrong text is none")
  func text() {
    var windows = RunWindows(from: Timestamp(seconds: 100), to: Timestamp(seconds: 1000))
    let isHalved = windows.halve()
    #expect(isHalved)
    windows.advance(hasMore: true)
    #expect(RunWindows(windows.description) == windows)
    for text in ["", "1", "0|1-2", "1|2-1", "x|1-2", "1|1-x", "1|1"] { #expect(RunWindows(text) == nil, "\(text)") }
    var second = RunWindows(from: Timestamp(seconds: 5), to: Timestamp(seconds: 5))
    let isSecondHalved = second.halve()
    #expect(!isSecondHalved)
    second.advance(hasMore: false)
    #expect(second.cursor == nil)
  }
}
