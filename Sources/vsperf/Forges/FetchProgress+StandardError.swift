import ForgeFetch
import ProgramOutput
import ValueStreamCore

extension FetchProgress {
  /// Creates a display on standard error, with a bar if that is a terminal that supports it.
  ///
  /// - Parameter isAlone: True if nothing else is written to the terminal.
  convenience init(isAlone: Bool, unit: Unit = .rows) {
    let isTerminal = isAlone && StandardStream.error.isTerminal && Environment.variables["TERM"] != "dumb"
    self.init(name: Program.name, isTerminal: isTerminal, unit: unit) { StandardStream.error.write($0) }
  }
}
