package import APIClient
package import JenkinsAPI
import PayloadReading
import ValueStreamCore

/// Reads the builds of Jenkins jobs as deliveries of the plugin Statistics Gatherer.
///
/// A container is a job with its folders, such as `shop/build builds`. Builds are read from the newest to the oldest.
package struct JenkinsImporter: Importer {
  private let server: JenkinsServer
  private let jobs: [String]
  private let period: RecordPeriod

  private static let pageSize = 100
  private static let suffix = " builds"

  /// - Parameters:
  ///   - jobs: names of jobs with their folders. If empty, all jobs are read.
  ///   - period: applies to the start of a build.
  package init(_ server: JenkinsServer, jobs: [String], period: RecordPeriod) {
    self.server = server
    self.jobs = jobs
    self.period = period
  }

  package func containers() async throws(APIError) -> RecordContainers {
    let names = jobs.isEmpty ? try await server.jobs() : jobs
    return RecordContainers(names.map { $0 + Self.suffix })
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let job = String(container.dropLast(Self.suffix.count))
    let place = cursor.flatMap { NumberedCursor($0) } ?? NumberedCursor(position: 0)
    let end = place.position + Self.pageSize
    let fields =
      "number,result,building,timestamp,duration,url,builtOn,actions[causes[shortDescription,userId],"
      + "lastBuiltRevision[SHA1,branch[name]],remoteUrls,parameters[name,value],queuingDurationMillis]"
    return try await server.get(JenkinsServer.path(of: job), tree: "allBuilds[\(fields)]{\(place.position),\(end)}") { answer in
      let builds = answer.listing("allBuilds")
      let new = builds.items.filter { ($0.int("number") ?? 0) < place.last }
      let last = builds.items.last?.time("timestamp")
      let isOver = builds.count < Self.pageSize || period.isOver(at: last)
      let next = NumberedCursor(position: end, last: new.last?.int("number") ?? place.last)
      let wanted = new.filter { period.contains($0.time("timestamp")) }
      var page = SourcePage(
        rows: wanted.compactMap { JenkinsImportBuild.delivery($0, of: job, at: server.address) },
        next: isOver ? nil : next.description, notes: builds.notes, missing: builds.missing)
      page.reached = last
      return page
    }
  }

  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let path = JenkinsServer.path(of: String(container.dropLast(Self.suffix.count)))
    // Old builds are deleted, so this is an upper bound.
    let count = try await server.get(path, tree: "lastBuild[number],firstBuild[number]") { job in
      guard let last = job.object("lastBuild")?.int("number") else { return 0 }
      return Int(clamping: max(0, last - (job.object("firstBuild")?.int("number") ?? 1)) + 1)
    }
    return ImportEstimate(records: count, requests: 1 + count / Self.pageSize)
  }

  /// Jenkins has no limit.
  package func quota() async throws(APIError) -> RequestQuota? { nil }
}

enum JenkinsImportBuild {
  /// Returns the delivery of a build; nil if the build lacks a number or a start.
  ///
  /// - Parameters:
  ///   - job: the full name of its job.
  ///   - server: the address of the server.
  static func delivery(_ build: PayloadObject, of job: String, at server: String) -> ImportedDelivery? {
    guard let number = build.int("number"), let started = build.time("timestamp") else { return nil }
    let isOver = build.bool("building") != true && build.text("result") != nil
    let milliseconds = max(0, build.int("duration") ?? 0)
    let ended = isOver ? started.moved(byStated: Double(milliseconds) / 1000) : nil
    let actions = build.objects("actions")
    let causes = actions.flatMap { $0.objects("causes") }
    var members = [
      JSONPair("ciUrl", .text(server)), JSONPair("jobName", .text(job.split(separator: "/").last.map(String.init) ?? job)),
      JSONPair("fullJobName", .text(job)), JSONPair("number", .number(number)),
      JSONPair("result", .text(isOver ? build.text("result") : "INPROGRESS")),
      JSONPair("startTime", .number(Self.milliseconds(started))),
      JSONPair("buildCause", .text(causes.lazy.compactMap { $0.text("shortDescription") }.first)),
    ]
    if let ended {
      members += [JSONPair("endTime", .number(Self.milliseconds(ended))), JSONPair("duration", .number(milliseconds))]
    }
    if let address = build.text("url") { members.append(JSONPair("buildUrl", .text(address))) }
    if let user = causes.lazy.compactMap({ $0.text("userId") }).first { members.append(JSONPair("startedUserName", .text(user))) }
    if let worker = build.text("builtOn") {
      members.append(JSONPair("slaveInfo", .object([JSONPair("slaveName", .text(worker))])))
    }
    // Of the plugin Metrics.
    if let queued = actions.lazy.compactMap({ $0.int("queuingDurationMillis") }).first, queued > 0 {
      members.append(JSONPair("queueTime", .number(queued)))
    }
    if let scm = scm(actions) { members.append(JSONPair("scmInfo", scm)) }
    var json = JSONWriter(capacity: 1000)
    json.object { json in
      json.members(members)
      json.name("parameters")
      json.object { json in
        for parameter in actions.flatMap({ $0.objects("parameters") }) {
          guard let name = parameter.text("name"), let value = parameter.value["value"] else { continue }
          json.name(name)
          json.value(value)
        }
      }
    }
    // A recreated job begins again at 1, so the start belongs to the id.
    return ImportedDelivery(
      source: "jenkins", id: ("build", Self.hash(job), "\(number).\(started.seconds).\(isOver ? "ended" : "running")"),
      time: ended ?? started, body: json.bytes)
  }

  private static func milliseconds(_ time: Timestamp) -> Int64 { time.nanoseconds / 1_000_000 }

  /// Returns the checkout. Of several, such as those of shared libraries, the last one is the project's.
  private static func scm(_ actions: [PayloadObject]) -> JSONMember? {
    guard let action = actions.last(where: { $0.object("lastBuiltRevision") != nil }),
      let revision = action.object("lastBuiltRevision")
    else { return nil }
    let branch = revision.objects("branch").first?.text("name")?.replacing("refs/remotes/", with: "")
    return .object([
      JSONPair("url", .text(action.texts("remoteUrls")?.first)), JSONPair("commit", .text(revision.text("SHA1"))),
      JSONPair("branch", .text(branch)),
    ])
  }

  /// FNV-1a, because the name of a job can be longer than an id.
  private static func hash(_ text: String) -> String {
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return String(hash, radix: 16)
  }
}
