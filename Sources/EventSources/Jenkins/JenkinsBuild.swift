import Payloads
import ValueStreamCore

/// What a payload tells of one build, whichever plugin sent it.
struct JenkinsBuild {
  enum Moment: Hashable {
    case queued, started
    /// The result is known.
    case completed
    /// Nothing more will happen; told after `completed`, where both are sent.
    case finalized
  }

  var moment: Moment
  var number: Int64
  /// With its folders: `shop/site/main`.
  var fullName: String
  /// Without.
  var jobName: String
  /// Nil where the payload does not say which Jenkins sent it.
  var host: String?
  /// As Jenkins spells it; nil while there is none.
  var result: String?
  /// When it entered the queue, began to run, and ended.
  var queued: Timestamp?
  var started: Timestamp?
  var ended: Timestamp?
  /// True where the time of the end is that of what Jenkins does after it: sending mails, keeping artifacts.
  var isEndLate = false
  /// When it began to run by its end and its duration, which do not fit to the millisecond.
  var estimatedStart: Timestamp?
  /// Nil where the payload says nothing of parameters: the end of a build.
  var parameters: [(name: String, value: AttributeValue)]?
  var repository: String?
  var commit: String?
  /// Without `origin/`.
  var branch: String?
  var address: String?
  var cause: String?
  /// The job that this is a configuration or a module of: its build of the same number made this one.
  var wholeJob: String?
  /// The build that started this one, where the payload names it.
  var upstream: (fullName: String, number: Int64)?
  var userName: String?
  var worker: String?
  var queueItem: Int64?
  var queueContext: Int64?
  var tests: [(name: String, count: Int64)] = []

  /// The text of a parameter; nil when it is not set.
  func parameter(_ name: String) -> String? {
    guard case .string(let text)? = parameters?.first(where: { $0.name == name })?.value, !text.isEmpty else { return nil }
    return text
  }
}

// MARK: Parameters

extension JenkinsBuild {
  /// More than this many parameters are not read.
  private static let parameterLimit = 100

  /// Parameters as an object by name.
  static func parameters(_ object: PayloadObject?) -> [(name: String, value: AttributeValue)]? {
    object.map { $0.value.members.prefix(parameterLimit).map { ($0.name, masked(value(of: $0.value), named: $0.name)) } }
  }

  /// Parameters as Jenkins' own API shows them: `{"name": ..., "value": ...}` in one of the actions.
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

  /// A value that nobody else should see does not reach any backend.
  private static func masked(_ value: AttributeValue, named name: String) -> AttributeValue {
    let lowercased = name.lowercased()
    let marks = ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "privatekey", "accesskey"]
    let secretWords: Set<String> = ["auth", "key", "keys", "pass", "pat", "pin", "pwd"]
    let isSecret = marks.contains(where: lowercased.contains) || words(of: name).contains(where: secretWords.contains)
    return isSecret ? .string("***") : value
  }

  /// `DEPLOY_key`, `deployKey` and `deploy-key` are deploy and key; `monkey` is one word.
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
  /// Job and number in the address of a build, relative or absolute: `job/shop/job/site/252/` is `shop/site` and 252. The
  /// configurations of a matrix job and the modules of a Maven job are jobs within one: `job/site/label=linux/12/`.
  static func build(_ address: String) -> (fullName: String, number: Int64)? {
    var (names, rest) = split(address)
    guard !names.isEmpty, let first = rest.first else { return nil }
    if let number = Int64(first) { return (names.joined(separator: "/"), number) }
    guard rest.count > 1, let number = Int64(rest[rest.startIndex + 1]) else { return nil }
    names.append(decoded(first))
    return (names.joined(separator: "/"), number)
  }

  /// The job in the address of a job or a build.
  static func job(_ address: String) -> String? {
    var (names, rest) = split(address)
    guard !names.isEmpty else { return nil }
    if let part = rest.first.map(decoded), isPart(part) { names.append(part) }
    return names.joined(separator: "/")
  }

  /// The matrix or Maven job of which the address names a configuration or a module: `site` of `job/site/label=linux/12/`.
  static func wholeJob(_ address: String) -> String? {
    let (names, rest) = split(address)
    guard !names.isEmpty, let part = rest.first.map(decoded), isPart(part) else { return nil }
    return names.joined(separator: "/")
  }

  /// True for a configuration or a module: what follows a job may also be one of its pages, or a number.
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
