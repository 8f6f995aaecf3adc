package import ValueStreamCore

/// The differences between two projections: numbers, and a few examples of each kind.
package struct ReplayComparison: Sendable {
  /// The aspects in which a subject can differ.
  package enum Aspect: String, Sendable, CaseIterable {
    case new, gone
    case operation, name, project, attempts, times, outcome, parent, attributes, phases, events, links
  }

  package struct Example: Sendable, Hashable {
    package var key: SubjectKey
    /// Nil if the first projection does not have it.
    package var before: String?
    package var now: String?

    package init(key: SubjectKey, before: String?, now: String?) {
      self.key = key
      self.before = before
      self.now = now
    }
  }

  package struct Finding: Sendable {
    package var count = 0
    package var examples: [Example] = []
  }

  package private(set) var subjectsBefore = 0
  package private(set) var subjectsNow = 0
  package private(set) var spansBefore = 0
  package private(set) var spansNow = 0
  /// The number of subjects that are in both projections and differ.
  package private(set) var changedSubjects = 0
  package private(set) var findings: [Aspect: Finding] = [:]

  package static let exampleLimit = 5

  package var isEmpty: Bool { findings.isEmpty }

  package mutating func compare(_ before: Subject?, with now: Subject?) {
    let spans = (before: before?.spans() ?? [], now: now?.spans() ?? [])
    subjectsBefore += before == nil ? 0 : 1
    subjectsNow += now == nil ? 0 : 1
    spansBefore += spans.before.count
    spansNow += spans.now.count
    switch (before, now) {
    case (nil, let now?): note(.new, of: now.key, nil, Self.summary(of: now, spans.now))
    case (let before?, nil): note(.gone, of: before.key, Self.summary(of: before, spans.before), nil)
    case (let before?, let now?):
      let differences = Self.differences(before, spans.before, now, spans.now)
      changedSubjects += differences.isEmpty ? 0 : 1
      for difference in differences { note(difference.aspect, of: now.key, difference.before, difference.now) }
    case (nil, nil): break
    }
  }

  private mutating func note(_ aspect: Aspect, of key: SubjectKey, _ before: String?, _ now: String?) {
    var finding = findings[aspect, default: Finding()]
    finding.count += 1
    if finding.examples.count < Self.exampleLimit { finding.examples.append(Example(key: key, before: before, now: now)) }
    findings[aspect] = finding
  }

  private static func summary(of subject: Subject, _ spans: [Span]) -> String {
    "\(subject.operation?.rawValue ?? "without a span") \(subject.name)"
  }

  private static func differences(
    _ before: Subject, _ spansBefore: [Span], _ now: Subject, _ spansNow: [Span]
  ) -> [(aspect: Aspect, before: String?, now: String?)] {
    var result: [(aspect: Aspect, before: String?, now: String?)] = []
    func compare<Value: Equatable>(_ aspect: Aspect, _ old: Value, _ new: Value, _ text: (Value) -> String?) {
      if old != new { result.append((aspect, text(old), text(new))) }
    }
    compare(.operation, before.operation, now.operation) { $0?.rawValue }
    compare(.name, before.name, now.name) { $0 }
    compare(.project, before.project, now.project) { $0 }
    compare(.attempts, spansBefore.map(\.attempt), spansNow.map(\.attempt)) { numbers in
      numbers.map(String.init).joined(separator: ", ")
    }
    compare(.parent, before.parent, now.parent) { $0.map { "\($0.parent) by \($0.rule.name)" } }
    let attempts = Set(spansBefore.map(\.attempt)).intersection(spansNow.map(\.attempt))
    for attempt in attempts.sorted() {
      guard let old = spansBefore.first(where: { $0.attempt == attempt }),
        let new = spansNow.first(where: { $0.attempt == attempt })
      else { continue }
      compare(.times, [old.start, old.end], [new.start, new.end]) { times in
        times.map { $0?.rfc3339 ?? "open" }.joined(separator: " to ")
      }
      compare(.outcome, old.outcome, new.outcome) { $0?.rawValue }
      let changed = Set(old.attributes).symmetricDifference(new.attributes).map(\.name).min()
      compare(.attributes, old.attributes, new.attributes) { attributes in
        changed.map { name in "\(name) = \(attributes.first { $0.name == name }.map { "\($0.value.plainText)" } ?? "none")" }
      }
      compare(.phases, old.phases, new.phases) { $0.map(\.name).joined(separator: ", ") }
      compare(.events, old.events, new.events) { $0.map(\.name).joined(separator: ", ") }
      compare(.links, old.links, new.links) { links in
        links.map { "\($0.rule) \($0.reference)" }.joined(separator: ", ")
      }
    }
    return result
  }
}

extension AttributeValue {
  fileprivate var plainText: String {
    switch self {
    case .string(let text): text
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .bool(let flag): "\(flag)"
    case .strings(let texts): texts.joined(separator: ", ")
    case .null: "null"
    }
  }
}
