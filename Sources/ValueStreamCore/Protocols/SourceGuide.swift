/// How to connect a source, in short.
package struct SourceGuide: Sendable, Hashable {
  /// A command that connects the source, with ``addressMark`` in place of its address.
  package enum Command: Sendable, Hashable {
    /// Makes the webhook through the vendor's API, with a token.
    case creation(String)
    /// Sends events.
    case sending(String)
  }

  /// Stands for the address of the source in a command.
  package static let addressMark = "ADDRESS"

  /// The name for people.
  package var title: String
  /// Where the address belongs, and what to tick.
  package var steps: String
  /// The vendor's or producer's own page; nil if there is none.
  package var link: String?
  /// Nil if the user does everything by hand.
  package var command: Command?

  package init(title: String, steps: String, link: String? = nil, command: Command? = nil) {
    self.title = title
    self.steps = steps
    self.link = link
    self.command = command
  }
}

extension SourceGuide.Command {
  /// Returns the command line for the address of a source.
  package func line(address: String) -> String {
    switch self {
    case .creation(let line), .sending(let line): line.replacing(SourceGuide.addressMark, with: address)
    }
  }
}
