import ValueStreamCore

/// The conditions of a list, as a form that works without script.
struct FilterForm {
  private let address: Address
  private let state: PageState

  init(_ address: Address, _ state: PageState) {
    self.address = address
    self.state = state
  }

  func write(to html: inout HTMLWriter, _ fields: (FilterForm, inout HTMLWriter) -> Void) {
    html.element(.form, .classes("filters"), .method("get"), .action(address)) { html in
      fields(self, &html)
      html.element(.button, .type("submit"), text: "Show")
      if !state.with({
        $0.cursor = nil
        $0.limit = nil
      }).query.isEmpty {
        html.element(.a, .href(address), text: "clear")
      }
    }
  }

  private func value(of parameter: PageState.Parameter) -> String {
    state.query.first { $0.name == parameter.rawValue }?.value ?? ""
  }

  func choice(
    _ parameter: PageState.Parameter, _ title: String, _ values: [(value: String, text: String)], unset: String = "any",
    _ html: inout HTMLWriter
  ) {
    let chosen = value(of: parameter)
    html.element(.label) { html in
      html.text(title + " ")
      html.element(.select, .name(parameter.rawValue)) { html in
        html.element(.option, .value(""), text: unset)
        for (value, text) in values {
          html.element(.option, .value(value), value == chosen ? .isSelected : nil, text: text)
        }
        if !chosen.isEmpty, !values.contains(where: { $0.value == chosen }) {
          html.element(.option, .value(chosen), .isSelected, text: chosen)
        }
      }
    }
  }

  /// - Parameter placeholder: what holds while the field is empty.
  func text(
    _ parameter: PageState.Parameter, _ title: String, placeholder: String = "any", _ html: inout HTMLWriter
  ) {
    let isTime = parameter == .from || parameter == .to
    html.element(.label) { html in
      html.text(title + " ")
      html.void(
        .input, .type("text"), .name(parameter.rawValue), .value(value(of: parameter)),
        .placeholder(placeholder), .classes(isTime ? "short" : "long"))
    }
  }

  func number(_ parameter: PageState.Parameter, _ title: String, placeholder: String, _ html: inout HTMLWriter) {
    html.element(.label) { html in
      html.text(title + " ")
      html.void(
        .input, .type("text"), .name(parameter.rawValue), .value(value(of: parameter)), .placeholder(placeholder),
        .classes("short"))
    }
  }

  /// Keeps the value of a parameter that has no field on the page.
  func keep(_ parameter: PageState.Parameter, _ html: inout HTMLWriter) {
    let value = value(of: parameter)
    if !value.isEmpty { html.void(.input, .type("hidden"), .name(parameter.rawValue), .value(value)) }
  }
}
