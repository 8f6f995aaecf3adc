import PayloadReading
import ValueStreamCore

/// A build as one payload shows it, in the same form for all plugins.
struct JenkinsBuild {
  enum Stage: Hashable {
    case queued, started
    /// The result is known.
    case completed
    /// The build is over, including the work after its result. Plugins that send both send this after `completed`.
    case finalized
  }

  var stage: Stage
  var number: Int64
  /// The name of the job with its folders, such as `shop/site/main`.
  var fullName: String
  /// The name of the job without its folders.
  var jobName: String
  /// The host of the Jenkins server. Nil if the payload does not name it.
  var host: String?
  /// The result as Jenkins spells it. Nil as long as there is none.
  var result: String?
  /// When the build entered the queue, started to run, and ended.
  var queued: Timestamp?
  var started: Timestamp?
  var ended: Timestamp?
  /// True if `ended` includes the work after the result, such as sending mail and archiving artifacts.
  var isEndLate = false
  /// The end minus the duration. It can differ from the start by milliseconds.
  var estimatedStart: Timestamp?
  /// Nil if the payload has no parameters, as at the end of a build.
  var parameters: [(name: String, value: AttributeValue)]?
  var repository: String?
  var commit: String?
  /// The branch without `origin/`.
  var branch: String?
  var address: String?
  var cause: String?
  /// The matrix or Maven job of which this is a configuration or a module. Its build with the same number started
  /// this one.
  var wholeJob: String?
  /// The build that started this one. Nil if the payload does not name it.
  var upstream: (fullName: String, number: Int64)?
  var userName: String?
  var worker: String?
  var queueItem: Int64?
  var queueContext: Int64?
  var tests: [(name: String, count: Int64)] = []

  /// The multibranch project whose job for one branch or pull request this is; nil for other jobs.
  ///
  /// Payloads do not tell the kind of a job. Jenkins names the job of a branch after it, with `/` as `%2F`.
  var multibranchProject: String? {
    let parts = fullName.split(separator: "/")
    guard let branch, parts.count > 1, let last = parts.last, PercentEncoding.decode(last) == branch else { return nil }
    return parts.dropLast().joined(separator: "/")
  }

  /// Returns the text of a parameter. Nil if it is not set, empty or not a string.
  func parameter(_ name: String) -> String? {
    guard case .string(let text)? = parameters?.first(where: { $0.name == name })?.value, !text.isEmpty else { return nil }
    return text
  }
}

// MARK: Parameters

extension JenkinsBuild {
  /// The most parameters to read.
  private static let parameterLimit = 100

  /// Returns the parameters from an object with a member for each.
  static func parameters(_ object: PayloadObject?) -> [(name: String, value: AttributeValue)]? {
    object.map { $0.value.members.prefix(parameterLimit).map { ($0.name, masked(value(of: $0.value), named: $0.name)) } }
  }

  /// Returns the parameters as the Jenkins API has them: objects such as `{"name": ..., "value": ...}` in one of the
  /// actions.
  static func parameters(inActions actions: [PayloadObject]) -> [(name: String, value: AttributeValue)]? {
    let lists = actions.filter { $0.has("parameters") }.map { $0.objects("parameters") }
    guard !lists.isEmpty else { return nil }
    return lists.joined().prefix(parameterLimit).compactMap { parameter in
      parameter.text("name").map { ($0, masked(value(of: parameter.value["value"]), named: $0)) }
    }
  }

  private static func value(of value: JSONValue?) -> AttributeValue {
    guard let value else { return .string("") }
    if let text = value.string { return .string(String(decoding: text.utf8.prefix(4096), as: UTF8.self)) }
    if let number = value.int { return .int(number) }
    if let number = value.double { return .double(number) }
    if let flag = value.bool { return .bool(flag) }
    return .string("")
  }

  /// Masks the value of a parameter whose name suggests a secret, so that it reaches no backend.
  private static func masked(_ value: AttributeValue, named name: String) -> AttributeValue {
    var lowercased = name.lowercased()
    let isSecret =
      lowercased.withUTF8 { name in secretMarks.contains { isPart($0, of: name) } }
      || words(of: name).contains(where: secretWords.contains)
    return isSecret ? .string("***") : value
  }

  /// What the name of a secret has somewhere, as bytes: each parameter of each build is compared with all of them.
  private static let secretMarks = [
    "password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "privatekey", "accesskey",
  ].map { Array($0.utf8) }
  /// What the name of a secret has as a word.
  private static let secretWords: Set<String> = ["auth", "key", "keys", "pass", "pat", "pin", "pwd"]

  private static func isPart(_ mark: [UInt8], of name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = mark.first, name.count >= mark.count else { return false }
    return (0...name.count - mark.count).contains { start in
      name[start] == first && name[start..<start + mark.count].elementsEqual(mark)
    }
  }

  /// Splits a name into words in lower case. `DEPLOY_key`, `deployKey` and `deploy-key` give deploy and key; `monkey`
  /// is one word.
  private static func words(of name: String) -> [String] {
    var words = [""]
    var wasLower = false
    for character in name {
      guard character.isLetter || character.isNumber else {
        words.append("")
        continue
      }
      if character.isUppercase, wasLower { words.append("") }
      words[words.count - 1] += character.lowercased()
      wasLower = character.isLowercase
    }
    return words
  }
}

// MARK: Addresses

enum JenkinsAddress {
  /// Returns the job and number in the address of a build, relative or absolute: `shop/site` and 252 for
  /// `job/shop/job/site/252/`.
  ///
  /// The configurations of a matrix job and the modules of a Maven job are jobs within a job:
  /// `job/site/label=linux/12/`.
  static func build(_ address: String) -> (fullName: String, number: Int64)? {
    var (names, rest) = split(address)
    guard !names.isEmpty, let first = rest.first else { return nil }
    if let number = Int64(first) { return (names.joined(separator: "/"), number) }
    guard rest.count > 1, let number = Int64(rest[rest.startIndex + 1]) else { return nil }
    names.append(decoded(first))
    return (names.joined(separator: "/"), number)
  }

  /// Returns the job in the address of a job or build.
  static func job(_ address: String) -> String? {
    var (names, rest) = split(address)
    guard !names.isEmpty else { return nil }
    if let part = rest.first.map(decoded), isPart(part) { names.append(part) }
    return names.joined(separator: "/")
  }

  /// Returns the matrix or Maven job whose configuration or module the address names: `site` for
  /// `job/site/label=linux/12/`.
  static func wholeJob(_ address: String) -> String? {
    let (names, rest) = split(address)
    guard !names.isEmpty, let part = rest.first.map(decoded), isPart(part) else { return nil }
    return names.joined(separator: "/")
  }

  /// True for the name of a configuration or module. What follows a job in an address may also be a page or a build
  /// number.
  private static func isPart(_ name: String) -> Bool { name.contains { "=$:".contains($0) } }

  private static func split(_ address: String) -> (names: [String], rest: ArraySlice<Substring>) {
    let parts = address.split { $0 == "/" || $0 == "?" || $0 == "#" }
    guard var index = parts.firstIndex(of: "job") else { return ([], []) }
    var names: [String] = []
    while index + 1 < parts.count, parts[index] == "job" {
      names.append(decoded(parts[index + 1]))
      index += 2
    }
    return (names, parts[index...])
  }

  private static func decoded(_ part: Substring) -> String {
    PercentEncoding.decode(part) ?? String(part)
  }
}
