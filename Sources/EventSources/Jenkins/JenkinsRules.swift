import Payloads
package import ValueStreamCore

/// What a user says of builds that Jenkins does not tell.
package struct JenkinsRules: Sendable {
  /// Names of jobs, with or without folder, whose builds are deploys.
  package var deployJobs: [NamePattern]
  /// Build parameters that name the environment; the first that is set counts.
  package var environmentParameters: [String]
  /// Build parameters that name the service.
  package var serviceParameters: [String]
  /// What an unstable build is.
  package var unstable: UnstableOutcome
  /// Host of the Jenkins whose deliveries name none.
  package var host: String?

  package enum UnstableOutcome: String, Sendable, CaseIterable {
    case failure, success
  }

  package init(
    deployJobs: [NamePattern] = [], environmentParameters: [String] = ["environment", "env"],
    serviceParameters: [String] = ["service"], unstable: UnstableOutcome = .failure, host: String? = nil
  ) {
    self.deployJobs = deployJobs
    self.environmentParameters = environmentParameters
    self.serviceParameters = serviceParameters
    self.unstable = unstable
    self.host = host
  }

  // MARK: Settings

  package static let deployJobsSetting = Setting<[NamePattern]>.namePatterns(
    "jenkins-deploy-jobs", default: [],
    help: "Jobs whose builds are deploys, by name or folder/name, separated by commas. * and ? are wildcards.")

  package static let environmentSetting = names(
    "jenkins-environment-parameters", default: ["environment", "env"],
    help: "Build parameters that hold the environment of a deploy, separated by commas. The first that is set counts.")

  package static let serviceSetting = names(
    "jenkins-service-parameters", default: ["service"],
    help: "Build parameters that hold the deployed service, separated by commas. The first that is set counts.")

  package static let unstableSetting = Setting<UnstableOutcome>.choice(
    "jenkins-unstable", default: .failure, help: "Outcome of a build whose result is UNSTABLE.")

  package static let addressSetting = Setting<String?>(
    "jenkins-url", placeholder: "URL", default: nil, defaultText: nil,
    help: "Address of the Jenkins server, for deliveries that name none. Only its host is used."
  ) { text throws(SettingError) in
    guard WebAddress.host(text) != nil else { throw SettingError(expected: "an address such as https://ci.example.org/") }
    return text
  }

  package static let declarations = [
    deployJobsSetting.declaration, environmentSetting.declaration, serviceSetting.declaration, unstableSetting.declaration,
    addressSetting.declaration,
  ]

  package init(_ settings: Settings) throws(SettingsError) {
    self.init(
      deployJobs: try settings.value(of: Self.deployJobsSetting),
      environmentParameters: try settings.value(of: Self.environmentSetting),
      serviceParameters: try settings.value(of: Self.serviceSetting), unstable: try settings.value(of: Self.unstableSetting),
      host: try settings.value(of: Self.addressSetting).flatMap(WebAddress.host))
  }

  private static func names(_ name: String, default value: [String], help: String) -> Setting<[String]> {
    Setting(name, placeholder: "NAMES", default: value, defaultText: value.joined(separator: ","), help: help) { text in
      text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    }
  }

  // MARK: Answers

  func isDeploy(_ build: JenkinsBuild) -> Bool {
    build.jobName.hasPrefix("deploy:") || build.parameter("type") == "deploy"
      || deployJobs.match(build.jobName) || deployJobs.match(build.fullName)
  }

  func environment(of build: JenkinsBuild) -> String? {
    environmentParameters.lazy.compactMap(build.parameter).first
  }

  func service(of build: JenkinsBuild) -> String? {
    serviceParameters.lazy.compactMap(build.parameter).first
  }

  func outcome(_ result: String?) -> Outcome? {
    switch result {
    case "SUCCESS": .success
    case "FAILURE": .failure
    case "UNSTABLE": unstable == .failure ? .failure : .success
    case "ABORTED": .cancellation
    case "NOT_BUILT": .skip
    default: nil
    }
  }
}
