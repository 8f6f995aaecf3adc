/// A chart as marks on a plane, from which both a picture that stretches with a page and a document of its own are drawn.
///
/// Places across are shares of the width, from 0 at the left to 1 at the right. Places down are pixels from the top.
package struct Plot: Sendable {
  package struct Point: Sendable, Hashable {
    package var x: Double
    package var y: Double

    package init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// A text at a place of an axis.
  package struct Label: Sendable, Hashable {
    /// A share of the width, or pixels from the top.
    package var place: Double
    package var text: String
    /// True if a narrow picture leaves it out.
    package var isMinor: Bool

    package init(_ place: Double, _ text: String, isMinor: Bool = false) {
      self.place = place
      self.text = text
      self.isMinor = isMinor
    }
  }

  /// How a mark looks. The raw value is its class in style sheets.
  package enum Style: String, Sendable, CaseIterable {
    case grid = "pl-grid"
    case axis = "pl-axis"
    case line = "pl-line"
    case mean = "pl-mean"
    case limit = "pl-limit"
    case before = "pl-before"
    // Percentiles
    case p50 = "pl-p50"
    case p70 = "pl-p70"
    case p85 = "pl-p85"
    case p95 = "pl-p95"
    case over50 = "pl-over50"
    case over70 = "pl-over70"
    case over85 = "pl-over85"
    case over95 = "pl-over95"
    // Items
    case dot = "pl-dot"
    case dot70 = "pl-dot70"
    case dot85 = "pl-dot85"
    case dot95 = "pl-dot95"
    case partialDot = "pl-partialdot"
    case blocked = "pl-blocked"
    case stale = "pl-stale"
    // Amounts
    case bar = "pl-bar"
    case barTop = "pl-bartop"
    case partial = "pl-partial"
    case work = "pl-work"
    case mixed = "pl-mixed"
    case waiting = "pl-waiting"
    case waitingHatch = "pl-waithatch"
    case done = "pl-done"
    case progress = "pl-progress"
    case queued = "pl-queued"
    case median = "pl-median"
    case hatch = "pl-hatch"
    case heat0 = "pl-heat0"
    case heat1 = "pl-heat1"
    case heat2 = "pl-heat2"
    case heat3 = "pl-heat3"
    case heat4 = "pl-heat4"
    // Events
    case deploy = "pl-deploy"
    case failure = "pl-failure"
    case incident = "pl-incident"
    // Texts
    case label = "pl-label"
    case strong = "pl-strong"
    case onWork = "pl-onwork"
    case onFill = "pl-onfill"
    case note = "pl-note"
    case warn = "pl-warn"
    case bad = "pl-bad"
    case work70 = "pl-t70"

    /// True if the inside of the mark is hatched.
    package var isHatched: Bool { self == .partial || self == .hatch || self == .waitingHatch }
  }

  package enum Anchor: Sendable {
    case start, middle, end
  }

  package enum Shape: Sendable {
    case line(from: Point, to: Point)
    case box(from: Point, to: Point)
    case circle(Point, radius: Double)
    /// Dots without names, which cost few bytes each.
    case dots([Point], Crowd)
    /// Upright lines of one height at shares of the width, which cost few bytes each.
    case ticks([Double], from: Double, to: Double)
    /// A sign such as ◆, with its middle at the point.
    case sign(Point, String)
    /// A text on the line of the point, moved by some pixels.
    case text(Point, String, Anchor, dx: Double)
    case curve([Point])
    case area([Point])
  }

  /// How many items a dot stands for, which its size tells.
  package enum Crowd: Int, Sendable, CaseIterable {
    case one = 1
    case few, many, most

    /// - Parameter count: of items, at least one.
    package init(of count: Int) {
      switch count {
      case ...1: self = .one
      case ...3: self = .few
      case ...8: self = .many
      default: self = .most
      }
    }

    /// In pixels.
    package var radius: Double { 1.25 * Double(rawValue + 1) }
  }

  package struct Mark: Sendable {
    package var shape: Shape
    package var style: Style
    /// What the mark says when a pointer rests on it.
    package var tip: String?
    /// The number of the item to which the mark leads. A document of its own has no links.
    package var target: Int?
    /// True if a narrow picture leaves it out.
    package var isMinor: Bool

    package init(_ shape: Shape, _ style: Style, tip: String? = nil, target: Int? = nil, isMinor: Bool = false) {
      self.shape = shape
      self.style = style
      self.tip = tip
      self.target = target
      self.isMinor = isMinor
    }
  }

  package var title: String
  /// What is counted and how, in a sentence.
  package var note: String
  /// The pixels from top to bottom, without the labels below.
  package var height: Double
  package var xLabels: [Label] = []
  package var yLabels: [Label] = []
  package var marks: [Mark] = []

  package init(title: String, note: String = "", height: Double = 240) {
    self.title = title
    self.note = note
    self.height = height
  }

  package mutating func add(_ shape: Shape, _ style: Style, tip: String? = nil, target: Int? = nil, isMinor: Bool = false) {
    marks.append(Mark(shape, style, tip: tip, target: target, isMinor: isMinor))
  }

  /// Adds a text.
  package mutating func write(
    _ text: String, at point: Point, _ anchor: Anchor = .start, dx: Double = 0, _ style: Style = .label, isMinor: Bool = false
  ) {
    add(.text(point, text, anchor, dx: dx), style, isMinor: isMinor)
  }

  /// Draws hairlines and labels for the values of a vertical axis.
  package mutating func drawAxis(_ scale: Scale, top: Double = 0) {
    for tick in scale.ticks {
      let y = place(of: tick.value, on: scale, top: top)
      add(.line(from: Point(0, y), to: Point(1, y)), tick.value == scale.lower && scale.kind == .linear ? .axis : .grid)
      yLabels.append(Label(y, tick.label))
    }
    if scale.kind == .logarithmic { add(.line(from: Point(0, height), to: Point(1, height)), .axis) }
  }

  /// Returns the pixels from the top for a value of a vertical axis.
  package func place(of value: Double, on scale: Scale, top: Double = 0) -> Double {
    top + (height - top) * (1 - scale.position(of: value))
  }

  /// Returns places at least `distance` pixels apart, close to the wanted ones and in the same order, above `lowest`.
  package static func spread(_ places: [Double], distance: Double, lowest: Double) -> [Double] {
    let order = places.indices.sorted { (places[$1], $1) < (places[$0], $0) }
    var result = places
    var limit = lowest
    // From the lowest place, which has the most pixels, upwards.
    for index in order {
      result[index] = min(places[index], limit)
      limit = result[index] - distance
    }
    return result
  }
}
