import PayloadReading
package import ValueStreamCore

/// Makes the keys of Jenkins builds. Payloads and the variables of a build give the same keys.
enum JenkinsKey {
  /// Returns the key of a build.
  ///
  /// Without a host, only job and number identify the build, until a payload with the host reports the same build.
  ///
  /// - Parameter fullName: the name of the job with its folders.
  static func build(_ fullName: String, _ number: String, host: String?) -> SubjectKey {
    guard let host else {
      return SubjectKey(
        source: "jenkins", host: "", container: SubjectKey.fallbackPart(fullName), kind: "build", id: number)
    }
    return SubjectKey(source: "jenkins", host: host, container: fullName, kind: "build", id: number)
  }
}

/// Identifies the Jenkins build in which the process runs.
package enum JenkinsBuildInProgress {
  /// Returns the current build, read from its environment variables; nil outside Jenkins.
  ///
  /// - Throws: if `BUILD_URL` is not the address of a build, or without it `BUILD_NUMBER` is not a number.
  package static func context(in environment: [String: String]) throws(RunVariables.Failure) -> RunContext? {
    let variables = RunVariables(environment, of: "Jenkins")
    // Jenkins sets these for every build. It sets the others only if it knows its own address.
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
