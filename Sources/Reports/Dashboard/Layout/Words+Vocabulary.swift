import ValueStreamCore

extension Operation {
  /// The name for people, in lower case.
  var word: String {
    switch self {
    case .pullRequest: "change"
    default: rawValue.replacing("_", with: " ")
    }
  }

  /// The symbol before a name: its shape tells the operation beside the word.
  var symbol: String {
    switch self {
    case .issue: "□"
    case .pullRequest: "◇"
    case .build: "▸"
    case .job: "•"
    case .deploy: "▲"
    case .release: "△"
    case .incident: "◆"
    case .sprint: "▭"
    default: "○"
    }
  }
}

extension Outcome {
  /// The word for people.
  var word: String {
    switch self {
    case .success: "succeeded"
    case .failure: "failed"
    case .error: "error"
    case .timeout: "timed out"
    case .cancellation: "cancelled"
    case .skip: "skipped"
    case .actionRequired: "needs action"
    case .stale: "stale"
    case .merged: "merged"
    case .abandoned: "closed unmerged"
    case .completed: "done"
    case .notPlanned: "not planned"
    }
  }

  /// The tone in which pages show the outcome.
  var tone: Tone {
    switch self {
    case .success, .merged, .completed: .good
    case .failure, .error, .timeout: .bad
    case .actionRequired: .attention
    case .cancellation, .skip, .stale, .abandoned, .notPlanned: .quiet
    }
  }
}

/// How a word is meant. Pages show it by a symbol as well as by colour.
enum Tone: String {
  case good, bad, attention, quiet, plain

  var symbol: String {
    switch self {
    case .good: "●"
    case .bad: "◆"
    case .attention: "▲"
    case .quiet: "✕"
    case .plain: "○"
    }
  }
}

extension CorrelationRule {
  /// The rule in words, as the end of a sentence that begins with the parent's name.
  var explanation: String {
    switch self {
    case .explicitID: "named as the parent by the sender"
    case .vendorLink: "linked by the vendor itself"
    case .commit: "it has this commit"
    case .closingWords: "named by closing words in the text"
    case .issueKey: "its key stands in the branch, title, text or commit message"
    case .chain: "the sender places both in one chain of events"
    case .branch: "it was in work on this branch at that time"
    }
  }
}

extension Reference.Kind {
  /// The name of the kind for people.
  var word: String { rawValue.replacing("_", with: " ") }
}
