import PayloadReading
import ValueStreamCore

/// Builds the span tags that the Go ValueStream set for Jenkins.
///
/// It read only payloads of Statistics Gatherer. Payloads of the other plugins get the same tags, as far as they have
/// the values.
enum JenkinsClassicTags {
  static func build(_ build: JenkinsBuild, root value: JSONValue) -> [Attribute] {
    let root = PayloadObject(value, path: "$")
    var tags = ClassicTags(service: "jenkins")
    tags.add("build.result", root?.text("result") ?? build.result ?? "INPROGRESS")
    tags.add("build.ci.url", root?.string("ciUrl"))
    tags.add("build.context_id", root?.int("contextId"))
    tags.add("build.url", root?.string("buildUrl") ?? build.address)
    tags.add("build.job.name", build.jobName)
    tags.add("build.job.full_name", root?.string("fullJobName") ?? (root?.has("jobName") == true ? "" : build.fullName))
    tags.add("build.cause", build.cause)
    tags.add("build.number", build.number)
    tags.add("build.started.user.name", build.userName)
    tags.add("build.started.user.id", root?.string("startedUserId"))
    var attributes = tags.attributes
    if let scm = root?.object("scmInfo") ?? root?.object("build")?.object("scm") {
      attributes += [
        Attribute("scm.head.url", .string(WebAddress.withoutUser(scm.string("url") ?? "")), vocabulary: .classic),
        Attribute("scm.head.sha", .string(scm.string("commit") ?? ""), vocabulary: .classic),
        Attribute("scm.branch", build.branch.map { .string($0) } ?? .null, vocabulary: .classic),
      ]
    }
    for (name, value) in build.parameters ?? [] {
      attributes.append(Attribute("build.parameter.\(name)", value, vocabulary: .classic))
    }
    return attributes
  }
}
