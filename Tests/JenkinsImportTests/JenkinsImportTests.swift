import APIClient
import Foundation
import JenkinsAPI
import JenkinsWebhooks
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import JenkinsImport

@Suite("An import from Jenkins")
struct JenkinsImportTests {
  private typealias Object = [String: Any]

  /// Answers as Jenkins does: the jobs, and ranges of the builds of each, newest first.
  ///
  /// - Parameter builds: by path of the job, such as `/job/shop/job/build`.
  private static func server(_ builds: [String: [String]]) -> TransportFake {
    TransportFake { request in
      let parts = request.url.components(separatedBy: "/api/json?tree=")
      let path = parts[0].replacingOccurrences(of: "https://ci.harbour.example", with: "")
      let tree = parts[1].removingPercentEncoding ?? ""
      if path.isEmpty {
        let jobs = builds.keys.sorted().map { key in
          "{\"fullName\":\"\(key.components(separatedBy: "/job/").dropFirst().joined(separator: "/"))\"}"
        }
        return .json("{\"jobs\":[\(jobs.joined(separator: ","))]}")
      }
      guard let all = builds[path] else { return .json("{}", status: 404) }
      let range = tree.split(separator: "{").last?.dropLast().split(separator: ",").compactMap { Int($0) } ?? []
      guard range.count == 2 else { return .json("{}", status: 400) }
      return .json("{\"allBuilds\":[\(all.dropFirst(range[0]).prefix(range[1] - range[0]).joined(separator: ","))]}")
    }
  }

  private static func deliveries(of transport: some HTTPTransport) async throws -> [Delivery] {
    let server = JenkinsServer("https://ci.harbour.example", authorization: nil, client: APIClient(transport: transport))
    let importer = JenkinsImporter(server, jobs: [], period: RecordPeriod())
    var deliveries: [ImportedDelivery] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 2, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      #expect(step.failure == nil)
      deliveries += step.rows
    }
    #expect(Set(deliveries.map(\.mark.id)).count == deliveries.count)
    return deliveries.map {
      Delivery(source: $0.source, id: $0.mark.id, received: $0.mark.time, headers: $0.headers, body: $0.body).asMapped
    }
  }

  /// What spans say, without what only one of the plugins tells.
  private static func described(_ deliveries: [Delivery], seed: UInt64) throws -> [String] {
    try DeliveryStory(deliveries, of: JenkinsSource(), seed: seed).spans.map { traced in
      let span = traced.span
      let phases = span.phases.filter { phase in phase.end.map { $0 > phase.start } ?? true }
      let attributes = span.attributes.filter { $0.vocabulary == .semantic }
      return """
        \(span.key) \(span.attempt) \(span.name) \(span.operation) \(span.start) \(span.end?.rfc3339 ?? "") \
        \(span.outcome?.rawValue ?? "") phases \(phases.map { "\($0.name) \($0.start) \($0.end?.rfc3339 ?? "")" }) attributes \
        \(attributes.map { "\($0.name)=\($0.value)" })
        """
    }
  }

  @Test("gives the spans of the webhooks of the same builds, alone and beside them")
  func law() async throws {
    let webhooks = YearHistory(HistoryConfiguration(seed: 3, days: 60, scale: 0.3, until: Timestamp(seconds: 1_795_543_200)))
      .filter { $0.path == "/jenkins" }
      .map { Delivery(source: "jenkins", received: $0.time, headers: $0.headers, body: $0.body) }
    var builds: [String: [Int: Object]] = [:]
    for delivery in webhooks {
      let body = try #require(try JSONSerialization.jsonObject(with: Data(delivery.body)) as? Object)
      let build = try #require(body["build"] as? Object)
      let job = "/" + (try #require(body["url"] as? String)).dropLast()
      let number = try #require(build["number"] as? Int)
      var kept = builds[job]?[number] ?? ["number": number, "url": build["full_url"] ?? "", "building": true]
      let time = build["timestamp"] as? Int ?? 0
      switch build["phase"] as? String {
      case "QUEUED": kept["queued"] = time
      case "STARTED": kept["timestamp"] = time
      default: kept.merge(["building": false, "result": build["status"] ?? "", "duration": build["duration"] ?? 0]) { $1 }
      }
      let scm = build["scm"] as? Object ?? [:]
      let parameters = (build["parameters"] as? Object ?? [:]).map { ["name": $0.key, "value": $0.value] }
      kept["actions"] = [
        [:], ["queuingDurationMillis": (kept["timestamp"] as? Int ?? 0) - (kept["queued"] as? Int ?? 0)],
        [
          "lastBuiltRevision": ["SHA1": scm["commit"] ?? "", "branch": [["name": scm["branch"] ?? ""]]],
          "remoteUrls": [scm["url"] ?? ""],
        ],
      ]
      if !parameters.isEmpty { kept["actions"] = (kept["actions"] as? [Object] ?? []) + [["parameters": parameters]] }
      builds[job, default: [:]][number] = kept
    }
    let listed = try builds.mapValues { builds in
      try builds.sorted { $0.key > $1.key }.map {
        String(decoding: try JSONSerialization.data(withJSONObject: $0.value), as: UTF8.self)
      }
    }
    let imported = try await Self.deliveries(of: Self.server(listed))
    let live = try Self.described(webhooks, seed: 0)
    #expect(live.count > 20)
    #expect(live.contains { $0.contains("queue ") } && live.contains { $0.contains(" failure ") })
    for (deliveries, seed) in [(imported, UInt64(0)), (imported, 2), (webhooks + imported, 3)] {
      let found = try Self.described(deliveries, seed: seed)
      for (left, right) in zip(live, found) where left != right {
        Issue.record("webhooks: \(left)\nimport:   \(right)")
        break
      }
      #expect(found.count == live.count)
    }
  }

  @Test("reads builds in pages, and a running one has no end")
  func pages() async throws {
    let builds = (1...230).reversed().map { number in
      #"{"number":\#(number),"timestamp":\#(1_795_000_000_000 + number * 60_000),"duration":30000,"#
        + #""building":\#(number == 230),"result":\#(number == 230 ? "null" : #""SUCCESS""#),"#
        + #""url":"https://ci.harbour.example/job/a/job/b/\#(number)/","actions":[{},null]}"#
    }
    let deliveries = try await Self.deliveries(of: Self.server(["/job/a/job/b": builds]))
    #expect(deliveries.count == 230)
    let story = try DeliveryStory(deliveries, of: JenkinsSource(), seed: 5)
    #expect(story.spans.count == 230)
    #expect(story.spans.filter { $0.span.end == nil }.map(\.span.name) == ["a/b #230"])
  }
}
