import PayloadReading
package import ValueStreamCore

/// Keys of Jenkins' builds: the same from payloads and from the variables of a build.
enum JenkinsKey {
  /// Of a Jenkins that is not named a build is known by job and number only, until a payload that names it tells the same.
  ///
  /// - Parameter fullName: of the job, with its folders.
  static func build(_ fullName: String, _ number: String, host: String?) -> SpanKey {
    guard let host else {
      return SpanKey(
        source: "jenkins", host: "", container: SpanKey.fallbackPart(fullName), kind: "build", id: number)
    }
    return SpanKey(source: "jenkins", host: host, container: fullName, kind: "build", id: number)
  }
}

/// A build of Jenkins, from within.
package enum JenkinsBuildInProgress {
  /// Which build this is; nil outside Jenkins.
  package static func context(in environment: [String: String]) throws(RunVariables.Failure) -> RunContext? {
    let variables = RunVariables(environment, of: "Jenkins")
    // Set for every build; what else is set depends on whether Jenkins knows its own address.
    guard variables.text("BUILD_NUMBER") != nil, let name = variables.text("JOB_NAME") else { return nil }
    if let address = variables.text("BUILD_URL") {
      guard let host = WebAddress.host(address), let build = JenkinsAddress.build(address) else {
        throw variables.expected("BUILD_URL", "the address of a build such as https://ci.example.org/job/site/252/")
      }
      return RunContext(run: JenkinsKey.build(build.fullName, String(build.number), host: host), attempt: 1)
    }
    let number = String(try variables.requireNumber("BUILD_NUMBER"))
    return RunContext(
      run: JenkinsKey.build(name, number, host: variables.text("JENKINS_URL").flatMap(WebAddress.host)), attempt: 1)
  }
}
