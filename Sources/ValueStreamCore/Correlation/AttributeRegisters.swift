/// What facts say of attributes, taken one fact after the other: of each name and vocabulary the last counts.
///
/// Facts of one thing name much the same attributes in much the same order, so each is looked for where the last fact had it. What
/// is not found there is added, and sorted out at the end.
struct AttributeRegisters {
  private struct Register {
    var attribute: Attribute
    /// Which of all that were taken it was.
    var order: Int
  }

  private var registers: [Register] = []
  private var count = 0
  /// How many attributes one fact may leave out in a row until the next is no longer found.
  private static let reach = 4

  /// Takes what the next fact says. An empty list of the semantic vocabulary takes back what was said before.
  mutating func take(_ attributes: [Attribute]) {
    registers.reserveCapacity(attributes.count)
    // What this fact adds is not what the last fact had.
    let known = registers.count
    var expected = 0
    for attribute in attributes {
      count += 1
      let place = (expected..<min(expected + Self.reach, known)).first { registers[$0].attribute.isNamed(as: attribute) }
      if let place {
        registers[place] = Register(attribute: attribute, order: count)
        expected = place + 1
      } else {
        registers.append(Register(attribute: attribute, order: count))
      }
    }
  }

  /// Sorted by name, semantic before classic.
  var attributes: [Attribute] {
    // Of each name the place of its register that counts. Comparing names is what costs here, so as few as can be are compared.
    var places: [Int] = []
    places.reserveCapacity(registers.count)
    for (place, register) in registers.enumerated() {
      var (start, end) = (0, places.count)
      while start < end {
        let middle = (start + end) / 2
        if registers[places[middle]].attribute.precedes(register.attribute) { start = middle + 1 } else { end = middle }
      }
      if start == places.count || !registers[places[start]].attribute.isNamed(as: register.attribute) {
        places.insert(place, at: start)
      } else if registers[places[start]].order < register.order {
        places[start] = place
      }
    }
    return places.lazy.map { registers[$0].attribute }.filter { !$0.takesBack }
  }
}

extension Attribute {
  fileprivate func isNamed(as other: Attribute) -> Bool {
    vocabulary == other.vocabulary && name == other.name
  }

  fileprivate func precedes(_ other: Attribute) -> Bool {
    name < other.name || vocabulary.rawValue < other.vocabulary.rawValue && name == other.name
  }

  fileprivate var takesBack: Bool {
    if case .strings(let texts) = value { texts.isEmpty && vocabulary == .semantic } else { false }
  }
}

extension [Attribute] {
  /// Puts an attribute into its place in a list that is sorted by name, semantic before classic.
  ///
  /// - Parameter replacing: whether its value counts where there is one already.
  mutating func insert(_ attribute: Attribute, replacing: Bool = true) {
    let place = firstIndex { !$0.precedes(attribute) } ?? endIndex
    if place < endIndex, self[place].isNamed(as: attribute) {
      if replacing { self[place] = attribute }
    } else {
      insert(attribute, at: place)
    }
  }
}
