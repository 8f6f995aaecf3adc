import APIClient
import Foundation
import GitHubWebhooks
import GitLabWebhooks
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
  private static func server(_ builds: [String: [String]]) -> TransportFake { TransportFake { answer($0, builds) } }

  private static func answer(_ request: HTTPTransportRequest, _ builds: [String: [String]]) -> HTTPResponse {
    let parts = request.url.components(separatedBy: "/api/json?tree=")
    let path = parts[0].replacingOccurrences(of: "https://ci.harbour.example", with: "")
    let tree = parts[1].removingPercentEncoding ?? ""
    if path.isEmpty {
      let jobs = builds.keys.sorted().map { key in
        "{\"fullName\":\"\(key.replacing("%20", with: " ").components(separatedBy: "/job/").dropFirst().joined(separator: "/"))\"}"
      }
      return .json("{\"jobs\":[\(jobs.joined(separator: ","))]}")
    }
    guard let all = builds[path] else { return .json("{}", status: 404) }
    let range = tree.split(separator: "{").last?.dropLast().split(separator: ",").compactMap { Int($0) } ?? []
    guard range.count == 2 else { return .json("{}", status: 400) }
    return .json("{\"allBuilds\":[\(all.dropFirst(range[0]).prefix(range[1] - range[0]).joined(separator: ","))]}")
  }

  private static func deliveries(
    of transport: some HTTPTransport, kinds: [JenkinsImportKind] = [.builds], notes: ((String) -> Void)? = nil
  ) async throws -> [Delivery] {
    let server = JenkinsServer("https://ci.harbour.example", authorization: nil, client: APIClient(transport: transport))
    let importer = JenkinsImporter(server, jobs: [], kinds: kinds, period: RecordPeriod())
    var deliveries: [ImportedDelivery] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 2, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { step in
      #expect(step.failure == nil)
      deliveries += step.rows
      for note in step.notes { notes?(note) }
    }
    #expect(Set(deliveries.map(\.mark.id)).count == deliveries.count)
    return deliveries.map {
      Delivery(source: $0.source, id: $0.mark.id, received: $0.mark.time, headers: $0.headers, body: $0.body).asMapped
    }
  }

  /// What spans say, those of builds without what only one of the plugins tells.
  private static func described(_ deliveries: [Delivery], seed: UInt64) throws -> [String] {
    try DeliveryStory(deliveries, of: [JenkinsSource(), GitHubSource(), GitLabSource()], seed: seed).spans.map { traced in
      guard traced.span.source == "jenkins" else { return traced.fields }
      var traced = traced
      traced.span.phases.removeAll { phase in phase.end.map { $0 <= phase.start } ?? false }
      traced.span.attributes.removeAll { $0.vocabulary != .semantic }
      return traced.fields
    }
  }

  @Test("gives the spans of the webhooks of the same builds, alone and beside them")
  func law() async throws {
    let history = YearHistory(HistoryConfiguration(seed: 3, days: 60, scale: 0.3, until: Timestamp(seconds: 1_795_543_200)))
      .map { Delivery(source: String($0.path.dropFirst()), received: $0.time, headers: $0.headers, body: $0.body) }
    let webhooks = history.filter { $0.source == "jenkins" }
    // The changes and pushes that started the builds, and the deploys that they are part of.
    let others = history.filter { $0.source == "github" || $0.source == "gitlab" }
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
    let live = try Self.described(others + webhooks, seed: 0)
    #expect(live.count { $0.hasPrefix("jenkins:") } > 20)
    #expect(live.contains { $0.hasPrefix("jenkins:") && $0.contains(" under git") })
    #expect(live.contains { $0.contains("queue ") } && live.contains { $0.contains(" failure ") })
    let half = Half(seed: 7)
    for (deliveries, seed) in [
      (imported, UInt64(0)), (imported, 2), (webhooks + imported, 0), (imported + webhooks, 0), (webhooks + imported, 3),
      (half.of(webhooks) + imported, 4), (webhooks + half.of(imported), 5),
    ] {
      expectSameSpans(try Self.described(others + deliveries, seed: seed), as: live)
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

  /// Answers with a pipeline and a freestyle job, and with the stages of the pipeline's builds.
  private static func pipelines(stages: String?) -> TransportFake {
    func build(_ number: Int, _ type: String) -> String {
      #"{"_class":"\#(type)","number":\#(number),"timestamp":\#(1_795_000_000_000 + number * 60_000),"duration":30000,"#
        + #""building":false,"result":"SUCCESS","actions":[]}"#
    }
    let builds = [
      "/job/shop/job/build%20it": [2, 1].map { build($0, "org.jenkinsci.plugins.workflow.job.WorkflowRun") },
      "/job/shop/job/old": [build(1, "hudson.model.FreeStyleBuild")],
    ]
    return TransportFake { request in
      guard request.url.contains("/wfapi/") else { return answer(request, builds) }
      guard request.url.contains("/job/build%20it/2/") else {
        return .json("no", status: request.url.contains("/old/") ? 500 : 404)
      }
      return stages.map { .json($0) } ?? .json("{}", status: 404)
    }
  }

  @Test("tells the stages of pipelines as steps of their builds", arguments: Seeds.upTo(3))
  func stages(seed: UInt64) async throws {
    let begin = 1_795_000_120_000
    func stage(_ id: Int, _ name: String, _ status: String, _ from: Int, _ length: Int) -> String {
      #"{"id":"\#(id)","name":"\#(name)","status":"\#(status)","startTimeMillis":\#(begin + from),"durationMillis":\#(length)}"#
    }
    let stages = [
      stage(6, "Build", "SUCCESS", 1000, 9000), stage(9, "Deploy v1.2", "FAILED", 10_000, 5000),
      stage(12, "Smoke", "NOT_EXECUTED", 15_000, 0), stage(14, "hudson.Report", "IN_PROGRESS", 15_000, 1000),
    ]
    var notes: [String] = []
    let deliveries = try await Self.deliveries(
      of: Self.pipelines(stages: "{\"stages\":[\(stages.joined(separator: ",")),null]}"), kinds: JenkinsImportKind.allCases
    ) { notes.append($0) }
    let story = try DeliveryStory(deliveries, of: JenkinsSource(), seed: seed)
    #expect(story.spans.count == 3)
    let steps = story.spans.flatMap(\.span.phases).filter { $0.track == "step" }.sorted { $0.name < $1.name }
    #expect(steps.map(\.name) == ["Build", "Deploy v1.2", "Report"])
    #expect(steps.map { $0.end?.seconds(since: $0.start) } == [9, 5, 15])
    // Build 1 was made before the plugin was there.
    #expect(notes.count == 1)
    #expect(notes.allSatisfy { $0.contains("Pipeline: REST API") }, "\(notes)")
  }

  @Test("asks a job once for stages if the plugin is missing")
  func withoutStages() async throws {
    var notes: [String] = []
    let deliveries = try await Self.deliveries(of: Self.pipelines(stages: nil), kinds: JenkinsImportKind.allCases) {
      notes.append($0)
    }
    #expect(deliveries.count == 3)
    #expect(notes.count == 1)
  }
}
