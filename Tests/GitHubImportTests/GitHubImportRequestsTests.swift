import APIClient
import Foundation
import GitHubServer
import Synchronization
import Testing
import ValueStreamCore

@testable import GitHubImport

/// How many requests an import sends, and how many `--dry-run` names before.
///
/// In a long run, 25 teams are imported for a year, which have a hundred repositories together, and the table for
/// Docs/cli/import.md is printed.
@Suite("The requests of an import from GitHub")
struct GitHubImportRequestsTests {
  private static let isLong = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil

  /// Serves an organisation, and counts the requests by what they ask for.
  private struct Counted: HTTPTransport {
    let server: GitHubHistoryServer
    let counts = Counts()

    final class Counts: Sendable {
      let byWhat = Mutex<[String: Int]>([:])
    }

    func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
      let what = Self.what(request)
      counts.byWhat.withLock { $0[what, default: 0] += 1 }
      return try await server.send(request)
    }

    /// Returns what a request asks for, in the words of the table in Docs/cli/import.md.
    static func what(_ request: HTTPTransportRequest) -> String {
      if request.url.hasSuffix("/graphql") {
        let isByBranch = String(decoding: request.body, as: UTF8.self).contains("\"owner\"")
        return isByBranch ? "pull requests of branches" : "timelines, reviews, comments and statuses"
      }
      // After `https://api.github.com/repos/<owner>/<name>`.
      let path = request.url.prefix { $0 != "?" }.split(separator: "/").dropFirst(5).map(String.init)
      return switch (path.first, path.last) {
      case (nil, _): "repositories"
      case ("compare", _): "commits of pushes"
      case ("actions", "jobs"): "jobs of runs"
      case ("actions", "runs"): "lists"
      case ("actions", _) where path.contains("attempts"): "earlier attempts"
      case ("actions", _): "runs of deployments"
      default: "lists"
      }
    }
  }

  /// What was planned and what was sent.
  private struct Sum {
    var plan = ImportEstimate(records: 0, requests: 0)
    var sent: [String: Int] = [:]

    var all: Int { sent.values.reduce(0, +) }

    static func + (left: Sum, right: Sum) -> Sum {
      Sum(
        plan: ImportEstimate(
          records: left.plan.records + right.plan.records, requests: left.plan.requests + right.plan.requests),
        sent: left.sent.merging(right.sent, uniquingKeysWith: +))
    }
  }

  private static func sum(_ kind: GitHubImportKind, of server: GitHubHistoryServer) async throws -> Sum {
    var sum = Sum()
    let repositories = server.history.repositories.keys.sorted()
    let planner = ImportedOrganization.importer(of: server, repositories, kinds: [kind])
    for name in try await planner.containers().names {
      sum = sum + Sum(plan: try await planner.estimate(of: name))
    }
    let counted = Counted(server: server)
    let importer = ImportedOrganization.importer(of: counted, repositories, kinds: [kind])
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 1, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      #expect(step.failure == nil)
    }
    sum.sent = counted.counts.byWhat.withLock(\.self)
    return sum
  }

  @Test("are those that the plan names, and no more")
  func requests() async throws {
    var sums: [GitHubImportKind: Sum] = [:]
    var repositories = 0
    for seed in UInt64(1)...(Self.isLong ? 25 : 1) {
      let server = try ImportedOrganization(seed: seed, days: Self.isLong ? 365 : 4, scale: Self.isLong ? 1 : 0.4).server
      repositories += server.history.repositories.count
      for kind in GitHubImportKind.allCases { sums[kind] = (sums[kind] ?? Sum()) + (try await Self.sum(kind, of: server)) }
      if Self.isLong { Self.show(sums, repositories) }
    }
    for (kind, sum) in sums {
      // Each repository is asked for itself besides, and commits of pushes may be fewer than one for each.
      let (plan, sent) = (sum.plan, sum.all)
      #expect(sent <= plan.requests + plan.requests / 10 + 4 * repositories, "\(kind.rawValue): \(plan), sent \(sum.sent)")
      #expect(2 * (sent + repositories) >= plan.requests, "\(kind.rawValue): \(plan), sent \(sum.sent)")
    }
  }

  private static func show(_ sums: [GitHubImportKind: Sum], _ repositories: Int) {
    print("\(repositories) repositories for a year: records, requests planned, requests sent")
    for kind in GitHubImportKind.allCases {
      guard let sum = sums[kind] else { continue }
      let parts = sum.sent.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      print("| \(kind.rawValue) | \(sum.plan.records) | \(sum.plan.requests) | \(sum.all) | \(parts) |")
    }
    let (planned, sent) = sums.values.reduce((0, 0)) { ($0.0 + $1.plan.requests, $0.1 + $1.all) }
    let quota = RequestQuota(perHour: 5000, remaining: 5000, resetSeconds: 3600)
    let hours = quota.seconds(for: sent, requestsPerSecond: 10) / 3600
    print("| all | | \(planned) | \(sent) | \(hours) h with 5000 requests an hour |")
    fflush(nil)
  }
}
