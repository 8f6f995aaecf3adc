import PayloadReading
import ValueStreamCore

/// A payload of one of three Jenkins plugins.
///
/// The shape of a payload shows its kind. The address to which it is sent does not: some plugins can use one for each
/// kind, others cannot.
enum JenkinsPayload {
  case build(JenkinsBuild)
  /// An item of the queue. It becomes a build when it leaves the queue.
  case queue(JenkinsQueueItem)
  /// The start or the end of a step or checkout within a build.
  case stretch(JenkinsStretch)
  case ignored(reason: String)

  init(_ document: JSONDocument) throws(PayloadError) {
    let root = try PayloadObject(root: document)
    if let type = root.text("type"), root.object("data") != nil {
      self = try Self.genericEvent(root, type: type)
    } else if let build = root.object("build"), build.has("phase") {
      self = try Self.notification(root, build)
    } else if root.has("jenkinsQueueId") {
      self = .queue(try JenkinsQueueItem(root))
    } else if root.has("buildStepId") {
      self = .stretch(try JenkinsStretch(root, name: root.text("buildStepType") ?? "step"))
    } else if root.has("number") || root.has("jobName") {
      self = .build(try Self.statistics(root))
    } else if root.has("configFile") || (root.has("name") && (root.has("createdDate") || root.has("updatedDate"))) {
      self = .ignored(reason: "a job's configuration")
    } else if root.has("buildUrl"), root.has("startTime") || root.has("endTime") {
      self = .stretch(try JenkinsStretch(root, name: "checkout"))
    } else {
      throw PayloadError(
        .missingIdentity,
        reason: "none of the payloads of the plugins Statistics Gatherer, Notification and Generic Event: no number, no build")
    }
  }

  // MARK: Statistics Gatherer

  /// Source: README of jenkinsci/statistics-gatherer-plugin.
  private static func statistics(_ root: PayloadObject) throws(PayloadError) -> JenkinsBuild {
    let number = try root.requireInt("number")
    guard let jobName = root.text("jobName") ?? root.text("fullJobName") else {
      throw root.missing("jobName", expected: "a text that is not empty")
    }
    let result = root.text("result")
    let isOver = result != "INPROGRESS"
    let duration = root.duration("duration", unitsPerSecond: 1000) ?? 0
    let started = root.time("startTime")
    let ended = isOver ? root.time("endTime") ?? (duration > 0 ? started?.moved(byStated: duration) : nil) : nil
    // The configurations of several matrix jobs can have the same name, so the name comes from the address.
    let path = root.text("buildUrl").flatMap(JenkinsAddress.build)?.fullName
    let named = path.flatMap { $0.hasSuffix("/\(jobName)") && jobName.contains("=") ? $0 : nil }
    var build = JenkinsBuild(
      stage: isOver ? .completed : .started, number: number, fullName: root.text("fullJobName") ?? named ?? jobName,
      jobName: jobName,
      host: root.text("ciUrl").flatMap(WebAddress.host), result: result, started: started, ended: ended)
    if duration > 0 { build.estimatedStart = ended?.moved(byStated: -duration) }
    if let queueTime = root.duration("queueTime", unitsPerSecond: 1000), queueTime > 0 {
      build.queued = started?.moved(byStated: -queueTime)
    }
    build.parameters = JenkinsBuild.parameters(root.object("parameters"))
    let scm = root.object("scmInfo")
    build.repository = scm?.text("url")
    build.commit = scm?.text("commit")
    build.branch = scm?.text("branch").map(withoutRemote)
    build.address = address(root.text("ciUrl"), root.text("buildUrl"))
    build.cause = root.text("buildCause")
    build.wholeJob = root.text("buildUrl").flatMap(JenkinsAddress.wholeJob)
    build.userName = root.text("startedUserName") ?? root.text("startedUsername")
    build.worker = root.object("slaveInfo")?.text("slaveName")
    build.queueContext = root.int("contextId").flatMap { $0 == 0 ? nil : $0 }
    return build
  }

  private static func address(_ server: String?, _ path: String?) -> String? {
    guard let path else { return nil }
    if WebAddress.host(path) != nil { return path }
    guard let server, WebAddress.host(server) != nil, JenkinsAddress.build(path) != nil else { return nil }
    return "\(server.hasSuffix("/") ? String(server.dropLast()) : server)/\(path.drop { $0 == "/" })"
  }

  // MARK: Notification

  /// Source: jenkinsci/notification-plugin, classes JobState and BuildState.
  private static func notification(_ root: PayloadObject, _ build: PayloadObject) throws(PayloadError) -> JenkinsPayload {
    let number = try build.requireInt("number")
    let phase = build.text("phase") ?? ""
    let stage: JenkinsBuild.Stage
    switch phase {
    case "QUEUED": stage = .queued
    case "STARTED": stage = .started
    case "COMPLETED": stage = .completed
    case "FINALIZED": stage = .finalized
    default: return .ignored(reason: "a build in the phase \(phase)")
    }
    guard let name = root.text("name") ?? root.text("url").flatMap(JenkinsAddress.job) else {
      throw root.missing("name", expected: "a text that is not empty")
    }
    let address = build.text("full_url")
    let time = build.time("timestamp")
    let isOver = stage == .completed || stage == .finalized
    var result = JenkinsBuild(
      stage: stage, number: number, fullName: (root.text("url") ?? address).flatMap(JenkinsAddress.job) ?? name, jobName: name,
      host: address.flatMap(WebAddress.host),
      // At the start of a build, `status` may be that of the previous build.
      result: isOver ? build.text("status") : nil)
    switch stage {
    case .queued: result.queued = time
    case .started: result.started = time
    case .completed, .finalized:
      result.ended = time
      result.isEndLate = stage == .finalized
      if let duration = build.duration("duration", unitsPerSecond: 1000), duration > 0 {
        result.estimatedStart = time?.moved(byStated: -duration)
      }
    }
    result.parameters = JenkinsBuild.parameters(build.object("parameters"))
    let scm = build.object("scm")
    result.repository = scm?.text("url")
    result.commit = scm?.text("commit")
    result.branch = scm?.text("branch").map(withoutRemote)
    result.address = address
    result.wholeJob = (root.text("url") ?? address).flatMap(JenkinsAddress.wholeJob)
    result.queueItem = build.int("queue_id")
    if let tests = build.object("test_summary") {
      for (name, count) in [
        ("total", tests.int("total")), ("failed", tests.int("failed")), ("passed", tests.int("passed")),
        ("skipped", tests.int("skipped")),
      ] {
        if let count { result.tests.append((name, count)) }
      }
    }
    return .build(result)
  }

  // MARK: Generic Event

  /// Source: docs of jenkinsci/generic-event-plugin.
  private static func genericEvent(_ root: PayloadObject, type: String) throws(PayloadError) -> JenkinsPayload {
    let stage: JenkinsBuild.Stage
    switch type {
    case "run.initialize", "run.started": stage = .started
    case "run.completed": stage = .completed
    case "run.finalized": stage = .finalized
    default: return .ignored(reason: "an event of type \(type)")
    }
    let data = try root.requireObject("data")
    let number = try data.requireInt("number")
    let path = root.text("url").flatMap(JenkinsAddress.build)?.fullName ?? root.text("source").flatMap(JenkinsAddress.job)
    let parts = [data.text("_parentFullName"), data.text("_projectName")].compactMap { $0 }
    guard let name = data.text("_projectName") ?? path?.split(separator: "/").last.map(String.init) else {
      throw data.missing("_projectName", expected: "a text that is not empty")
    }
    let isOver = stage == .completed || stage == .finalized
    let started = data.time("timestamp")
    var build = JenkinsBuild(
      stage: stage, number: number, fullName: path ?? parts.joined(separator: "/"), jobName: name,
      host: nil, result: isOver ? data.text("result") : nil, started: started)
    if isOver {
      let duration = data.duration("duration", unitsPerSecond: 1000).flatMap { $0 > 0 ? $0 : nil }
      build.ended = duration.flatMap { started?.moved(byStated: $0) } ?? root.time("time")
      build.isEndLate = stage == .finalized
    }
    let actions = data.objects("actions")
    build.parameters = JenkinsBuild.parameters(inActions: actions)
    for action in actions {
      guard let revision = action.object("lastBuiltRevision") else { continue }
      build.commit = revision.text("SHA1")
      build.branch = revision.objects("branch").first?.text("name").map { withoutRemote($0.replacing("refs/remotes/", with: "")) }
      build.repository = action.value["remoteUrls"]?.elements.first?.string
    }
    // Takes the first cause that is another build.
    build.upstream = actions.lazy.flatMap { $0.objects("causes") }.compactMap(Self.upstream).first
    build.wholeJob = (root.text("url") ?? root.text("source")).flatMap(JenkinsAddress.wholeJob)
    build.queueItem = data.int("queueId").flatMap { $0 > 0 ? $0 : nil }
    return .build(build)
  }

  private static func upstream(_ cause: PayloadObject) -> (fullName: String, number: Int64)? {
    guard let project = cause.text("upstreamProject"), let number = cause.int("upstreamBuild") else { return nil }
    return (project, number)
  }

  private static func withoutRemote(_ branch: String) -> String {
    branch.hasPrefix("origin/") ? String(branch.dropFirst(7)) : branch
  }
}

/// An item of the queue, from Statistics Gatherer.
struct JenkinsQueueItem {
  let id: Int64
  let host: String?
  let jobName: String?
  /// Connects the item to its build. Set when the item leaves the queue.
  let context: Int64?
  let entered: Timestamp?
  let left: Timestamp?

  init(_ root: PayloadObject) throws(PayloadError) {
    id = try root.requireInt("jenkinsQueueId")
    host = root.text("ciUrl").flatMap(WebAddress.host)
    jobName = root.text("jobName")
    context = root.int("contextId").flatMap { $0 == 0 ? nil : $0 }
    entered = root.time("entryTime")
    left = root.text("status") == "LEFT" ? root.time("exitTime") : nil
  }
}

/// The start or end of a step or checkout, from Statistics Gatherer. The other time is 0 and comes in another
/// payload.
struct JenkinsStretch {
  let name: String
  /// Nil for the usual address without a host.
  let host: String?
  let fullName: String
  let number: Int64
  let start: Timestamp?
  let end: Timestamp?

  init(_ root: PayloadObject, name: String) throws(PayloadError) {
    guard let address = root.text("buildUrl"), let build = JenkinsAddress.build(address) else {
      throw root.missing("buildUrl", expected: "the address of a build such as job/shop/job/site/252/")
    }
    self.name = Self.shortName(name)
    host = WebAddress.host(address)
    (fullName, number) = build
    start = root.time("startTime")
    end = root.time("endTime")
  }

  /// Returns the name of a class without its package: people know `hudson.tasks.Shell` as `Shell`. The name of a stage, such as
  /// `Deploy v1.2`, stays.
  private static func shortName(_ name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, last.first?.isUppercase == true,
      parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" } })
    else { return name }
    return String(last)
  }
}
