import Charts
import ValueStreamCore

/// An attribute of an element. The names are fixed here, so no data can become a name.
///
/// There is no attribute for style or for event handlers: the content security policy forbids both.
struct HTMLAttribute {
  let name: String
  /// Nil for an attribute without a value, such as `open`.
  let value: String?
  /// True if ``value`` is an address inside the dashboard, which the writer puts behind its base.
  let isAddress: Bool

  private init(_ name: StaticString, _ value: String?, isAddress: Bool = false) {
    self.name = "\(name)"
    self.value = value
    self.isAddress = isAddress
  }

  // MARK: Addresses

  static func href(_ address: Address) -> HTMLAttribute { HTMLAttribute("href", address.text, isAddress: true) }
  static func href(_ link: WebLink) -> HTMLAttribute { HTMLAttribute("href", link.address) }
  /// A place on the same page.
  static func href(fragment: StaticString) -> HTMLAttribute { HTMLAttribute("href", "#\(fragment)") }
  static func src(_ address: Address) -> HTMLAttribute { HTMLAttribute("src", address.text, isAddress: true) }
  static func action(_ address: Address) -> HTMLAttribute { HTMLAttribute("action", address.text, isAddress: true) }
  static func data(_ name: DataName, _ address: Address) -> HTMLAttribute {
    HTMLAttribute(name.attribute, address.text, isAddress: true)
  }

  // MARK: Texts

  static func classes(_ names: String) -> HTMLAttribute { HTMLAttribute("class", names) }
  static func id(_ id: String) -> HTMLAttribute { HTMLAttribute("id", id) }
  static func title(_ text: String) -> HTMLAttribute { HTMLAttribute("title", text) }
  static func label(_ text: String) -> HTMLAttribute { HTMLAttribute("aria-label", text) }
  static func current(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("aria-current", "\(text)") }
  static func role(_ role: StaticString) -> HTMLAttribute { HTMLAttribute("role", "\(role)") }
  static func scope(_ scope: StaticString) -> HTMLAttribute { HTMLAttribute("scope", "\(scope)") }
  static func name(_ name: StaticString) -> HTMLAttribute { HTMLAttribute("name", "\(name)") }
  static func name(_ name: String) -> HTMLAttribute { HTMLAttribute("name", name) }
  static func content(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("content", "\(text)") }
  static func value(_ text: String) -> HTMLAttribute { HTMLAttribute("value", text) }
  static func type(_ type: StaticString) -> HTMLAttribute { HTMLAttribute("type", "\(type)") }
  static func method(_ method: StaticString) -> HTMLAttribute { HTMLAttribute("method", "\(method)") }
  static func placeholder(_ text: String) -> HTMLAttribute { HTMLAttribute("placeholder", text) }
  static func autocomplete(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("autocomplete", "\(text)") }
  static func rel(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("rel", "\(text)") }
  static func lang(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("lang", "\(text)") }
  static func charset(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("charset", "\(text)") }
  static func datetime(_ time: Timestamp) -> HTMLAttribute { HTMLAttribute("datetime", time.rfc3339) }
  static func tabindex(_ index: Int) -> HTMLAttribute { HTMLAttribute("tabindex", "\(index)") }
  static func forElement(_ id: StaticString) -> HTMLAttribute { HTMLAttribute("for", "\(id)") }
  static func describedBy(_ id: StaticString) -> HTMLAttribute { HTMLAttribute("aria-describedby", "\(id)") }
  static func columns(_ count: Int) -> HTMLAttribute { HTMLAttribute("colspan", "\(count)") }
  static func data(_ name: DataName, _ value: String) -> HTMLAttribute { HTMLAttribute(name.attribute, value) }

  static var isOpen: HTMLAttribute { HTMLAttribute("open", nil) }
  static var isSelected: HTMLAttribute { HTMLAttribute("selected", nil) }
  static var isRequired: HTMLAttribute { HTMLAttribute("required", nil) }
  static var isDeferred: HTMLAttribute { HTMLAttribute("defer", nil) }
  static var isHidden: HTMLAttribute { HTMLAttribute("aria-hidden", "true") }
  static var hasFocusAtFirst: HTMLAttribute { HTMLAttribute("autofocus", nil) }

  /// The data attributes that the script reads.
  enum DataName {
    case page, live, from, to, row, when, asset

    fileprivate var attribute: StaticString {
      switch self {
      case .page: "data-page"
      case .live: "data-live"
      case .from: "data-from"
      case .to: "data-to"
      case .row: "data-row"
      case .when: "data-when"
      case .asset: "data-asset"
      }
    }
  }

  // MARK: SVG

  /// A length or place in an SVG: pixels, or a share of the width.
  enum Length {
    case pixels(Double)
    /// A share from 0 to 1.
    case share(Double)

    fileprivate var text: String {
      switch self {
      case .pixels(let number): Self.text(number, digits: 1)
      case .share(let number): Self.text(number * 100, digits: 3) + "%"
      }
    }

    /// Returns a number with at most this many decimals.
    static func text(_ number: Double, digits: Int) -> String {
      let factor = digits == 3 ? 1000.0 : 10.0
      let scaled = (number * factor).rounded()
      guard scaled.magnitude < 1e12 else { return "0" }
      let whole = Int(scaled)
      let unit = Int(factor)
      let sign = whole < 0 ? "-" : ""
      let (units, rest) = (whole.magnitude / unit.magnitude, whole.magnitude % unit.magnitude)
      guard rest > 0 else { return "\(sign)\(units)" }
      var decimals = String(rest)
      while decimals.utf8.count < digits { decimals = "0" + decimals }
      while decimals.hasSuffix("0") { decimals.removeLast() }
      return "\(sign)\(units).\(decimals)"
    }
  }

  static func x(_ length: Length) -> HTMLAttribute { HTMLAttribute("x", length.text) }
  static func y(_ length: Length) -> HTMLAttribute { HTMLAttribute("y", length.text) }
  static func x1(_ length: Length) -> HTMLAttribute { HTMLAttribute("x1", length.text) }
  static func x2(_ length: Length) -> HTMLAttribute { HTMLAttribute("x2", length.text) }
  static func y1(_ length: Length) -> HTMLAttribute { HTMLAttribute("y1", length.text) }
  static func y2(_ length: Length) -> HTMLAttribute { HTMLAttribute("y2", length.text) }
  static func cx(_ length: Length) -> HTMLAttribute { HTMLAttribute("cx", length.text) }
  static func cy(_ length: Length) -> HTMLAttribute { HTMLAttribute("cy", length.text) }
  static func r(_ length: Length) -> HTMLAttribute { HTMLAttribute("r", length.text) }
  static func width(_ length: Length) -> HTMLAttribute { HTMLAttribute("width", length.text) }
  static func height(_ length: Length) -> HTMLAttribute { HTMLAttribute("height", length.text) }
  static func path(_ commands: StaticString) -> HTMLAttribute { HTMLAttribute("d", "\(commands)") }
  /// Points joined by lines, and closed if they bound an area. They go from 0 to 1000 across.
  static func path(through points: [Plot.Point], isClosed: Bool) -> HTMLAttribute {
    let texts = points.map { "\(Length.text($0.x * 1000, digits: 1)) \(Length.text($0.y, digits: 1))" }
    return HTMLAttribute("d", "M" + texts.joined(separator: "L") + (isClosed ? "Z" : ""))
  }
  /// Lines of no length, which a style with round ends draws as dots.
  static func path(dots points: [Plot.Point]) -> HTMLAttribute {
    HTMLAttribute(
      "d", points.map { "M\(Length.text($0.x * 1000, digits: 1)) \(Length.text($0.y, digits: 1))h0" }.joined())
  }
  /// Upright lines of one height.
  static func path(ticks shares: [Double], from: Double, to: Double) -> HTMLAttribute {
    let (start, length) = (Length.text(from, digits: 1), Length.text(to - from, digits: 1))
    return HTMLAttribute("d", shares.map { "M\(Length.text($0 * 1000, digits: 1)) \(start)v\(length)" }.joined())
  }
  /// A box 1000 wide that its element stretches to its own width.
  static func stretchedBox(height: Double) -> HTMLAttribute {
    HTMLAttribute("viewBox", "0 0 1000 \(Length.text(height, digits: 1))")
  }
  static var isStretched: HTMLAttribute { HTMLAttribute("preserveAspectRatio", "none") }
  static func dx(_ pixels: Double) -> HTMLAttribute? { pixels == 0 ? nil : HTMLAttribute("dx", Length.text(pixels, digits: 1)) }
  static func viewBox(_ box: StaticString) -> HTMLAttribute { HTMLAttribute("viewBox", "\(box)") }
  /// Refers to a pattern in the same page. A stylesheet cannot: its addresses start at the stylesheet.
  static func fill(pattern: StaticString) -> HTMLAttribute { HTMLAttribute("fill", "url(#\(pattern))") }
  static func patternUnits() -> HTMLAttribute { HTMLAttribute("patternUnits", "userSpaceOnUse") }
  static func patternTransform(_ text: StaticString) -> HTMLAttribute { HTMLAttribute("patternTransform", "\(text)") }
}
