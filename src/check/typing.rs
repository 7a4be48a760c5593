//! Verifies a compiled rule against the types of the facts, so that a typo is an error where the
//! rule is written and never a surprise where it is used.
//!
//! Not for evaluation. What is refused here is refused although CEL would accept it: CEL compares
//! a string with a number and says false, and `has()` turns what could not be read into false.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::{IdedExpr, Program};

use super::rule_error::{MAX_RULE_DEPTH, RuleFault};
use super::schema::FactType;
use super::steps::{ListLength, Loops};
use crate::facts::MAX_ITEMS;
use crate::yaml::closest_match;

/// A fault and the node it was found at.
pub type FaultAt = (u64, RuleFault);

/// The paths of facts a verified rule speaks of; `[]` stands for every element of a list.
pub type Paths = BTreeSet<String>;

/// Verifies `program`, whose names are the members of `facts`, and lists the facts it speaks of
/// and the loops it has.
pub fn verify(program: &Program, facts: &FactType) -> Result<(Paths, Loops), FaultAt> {
    let root = program.expression();
    let mut checker = TypeChecker {
        facts,
        scope: Vec::new(),
        paths: Paths::new(),
        lists: Vec::new(),
        loops: Loops::default(),
        outermost: None,
        depth: 0,
    };
    let typed = checker.infer(root)?;
    if typed.ty != FactType::Bool {
        return Err((root.id, RuleFault::NotBool(typed.ty.to_string())));
    }
    for (id, list) in &checker.lists {
        let complete = format!("{list}.complete");
        if !checker.paths.contains(&complete) {
            return Err((*id, RuleFault::Incomplete(complete)));
        }
    }
    if let Some(steps) = checker.loops.excess_of_literals(root) {
        return Err((checker.outermost.unwrap_or(root.id), RuleFault::TooManySteps(steps)));
    }
    Ok((checker.paths, checker.loops))
}

/// What is known about a part of the expression.
#[derive(Clone)]
struct Typed {
    ty: FactType,
    /// The fact it is, when it is one.
    path: Option<String>,
    /// The text it is, when it is written out.
    literal: Option<String>,
    /// How long it may be, when it is a list that is no fact.
    sizes: Vec<ListLength>,
}

impl From<FactType> for Typed {
    fn from(ty: FactType) -> Self {
        Self { ty, path: None, literal: None, sizes: Vec::new() }
    }
}

impl Typed {
    fn fact(ty: FactType, path: Option<String>) -> Self {
        Self { path, ..ty.into() }
    }

    /// How long the list may be.
    fn sizes(&self) -> Vec<ListLength> {
        match &self.path {
            _ if !self.sizes.is_empty() => self.sizes.clone(),
            Some(path) => vec![ListLength::Fact(path.clone())],
            // An element of a list that a rule made.
            None => vec![ListLength::Written(MAX_ITEMS as u64)],
        }
    }
}

struct TypeChecker<'a> {
    facts: &'a FactType,
    /// Loop variables, innermost last.
    scope: Vec<(String, Typed)>,
    paths: Paths,
    /// Lists that must not be evaluated unless they are complete, with where they are spoken of.
    lists: Vec<(u64, String)>,
    loops: Loops,
    /// The first loop that is in no other.
    outermost: Option<u64>,
    /// How deep the expression is that is being looked at.
    depth: usize,
}

impl TypeChecker<'_> {
    /// The type of an expression whose value is used.
    fn infer(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        let typed = self.infer_place(expr)?;
        if let Some(path) = &typed.path {
            self.paths.insert(path.clone());
        }
        Ok(typed)
    }

    /// The type of an expression of which perhaps only a member is used. The parser bounds what
    /// stands in brackets, and not what is strung together: `1 + 1 + 1`.
    fn infer_place(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        if self.depth == MAX_RULE_DEPTH {
            return Err((expr.id, RuleFault::TooDeep));
        }
        self.depth += 1;
        let typed = self.infer_unbounded(expr);
        self.depth -= 1;
        typed
    }

    fn infer_unbounded(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        match &expr.expr {
            Expr::Literal(literal) => {
                literal_type(literal).ok_or((expr.id, RuleFault::Unsupported("null")))
            }
            Expr::Ident(name) => self.infer_name(expr.id, name),
            Expr::Select(select) if select.test => Err((expr.id, RuleFault::Has)),
            Expr::Select(select) => {
                let of = self.infer_place(&select.operand)?;
                self.infer_member(expr.id, &of, &select.field)
            }
            Expr::List(list) => {
                let mut item = FactType::Nothing;
                for element in &list.elements {
                    let typed = self.infer(element)?;
                    if !item.is_comparable_to(&typed.ty) {
                        return Err((element.id, wrong_type(&item.to_string(), &typed.ty)));
                    }
                    item = typed.ty;
                }
                let sizes = vec![ListLength::Written(list.elements.len() as u64)];
                Ok(Typed { sizes, ..FactType::List(item.into()).into() })
            }
            Expr::Comprehension(comprehension) => self.infer_comprehension(expr.id, comprehension),
            Expr::Call(call) => self.infer_call(expr.id, call),
            Expr::Map(_) => Err((expr.id, RuleFault::Unsupported("a map"))),
            Expr::Struct(_) => Err((expr.id, RuleFault::Unsupported("a struct"))),
            Expr::Unspecified => Err((expr.id, RuleFault::Unsupported("nothing"))),
        }
    }

    fn infer_name(&self, id: u64, name: &str) -> Result<Typed, FaultAt> {
        if let Some((_, typed)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(typed.clone());
        }
        match self.facts.member(name) {
            Some(ty) => Ok(Typed::fact(ty.clone(), Some(name.to_owned()))),
            None => {
                let mut known: Vec<&str> = self.scope.iter().map(|(name, _)| &**name).collect();
                known.extend(members(self.facts));
                Err((id, RuleFault::unknown_name(name, &known)))
            }
        }
    }

    fn infer_member(&mut self, id: u64, of: &Typed, field: &str) -> Result<Typed, FaultAt> {
        let FactType::Record(known) = &of.ty else {
            return Err((
                id,
                RuleFault::NoMembers { of: of.ty.to_string(), member: field.to_owned() },
            ));
        };
        let Some(ty) = known.get(field) else {
            return Err((
                id,
                RuleFault::NoSuchMember {
                    of: of.path.clone().unwrap_or_else(|| of.ty.to_string()),
                    member: field.to_owned(),
                    nearest: closest_match(field, known.keys().map(String::as_str))
                        .map(str::to_owned),
                    known: known.keys().cloned().collect(),
                },
            ));
        };
        if let (Some(list), "items", true) = (&of.path, field, known.contains_key("complete")) {
            self.lists.push((id, list.clone()));
        }
        let path = of.path.as_ref().map(|path| format!("{path}.{field}"));
        Ok(Typed::fact(ty.clone(), path))
    }

    /// What a macro was expanded to: `all`, `exists`, `exists_one`, `map`, `filter`.
    fn infer_comprehension(
        &mut self,
        id: u64,
        comprehension: &ComprehensionExpr,
    ) -> Result<Typed, FaultAt> {
        let range = self.infer(&comprehension.iter_range)?;
        let FactType::List(item) = &range.ty else {
            return Err((comprehension.iter_range.id, wrong_type("list", &range.ty)));
        };
        let path = range.path.as_ref().map(|path| format!("{path}[]"));
        let variable = Typed::fact((**item).clone(), path);
        self.outermost.get_or_insert(id);
        self.loops.record(id, range.sizes());
        self.scope.push((comprehension.iter_var.clone(), variable));
        let typed = self.infer_body(id, comprehension, &range);
        self.scope.pop();
        typed
    }

    /// The type of a macro's value. The accumulator of an expansion cannot be written in CEL, so
    /// its start and step tell which macro it was.
    fn infer_body(
        &mut self,
        id: u64,
        comprehension: &ComprehensionExpr,
        range: &Typed,
    ) -> Result<Typed, FaultAt> {
        let Expr::Call(step) = &comprehension.loop_step.expr else {
            return Err((id, RuleFault::Unsupported("this macro")));
        };
        match (&comprehension.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
            (
                Expr::Literal(LiteralValue::Boolean(_)),
                operators::LOGICAL_AND | operators::LOGICAL_OR,
                [_, predicate],
            ) => {
                self.expect(predicate, &FactType::Bool)?;
                Ok(FactType::Bool.into())
            }
            (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [predicate, ..]) => {
                self.expect(predicate, &FactType::Bool)?;
                Ok(FactType::Bool.into())
            }
            (Expr::List(_), operators::CONDITIONAL, [predicate, appended, _]) => {
                self.expect(predicate, &FactType::Bool)?;
                let kept = self.infer_appended(id, appended)?;
                // A filtered list is still made of the same facts.
                let same = kept.path.is_some_and(|kept| {
                    range.path.as_ref().is_some_and(|path| kept == format!("{path}[]"))
                });
                let path = range.path.clone().filter(|_| same);
                Ok(Typed { path, sizes: range.sizes(), ..FactType::List(kept.ty.into()).into() })
            }
            (Expr::List(_), operators::ADD, _) => {
                let made = self.infer_appended(id, &comprehension.loop_step)?;
                Ok(Typed { sizes: range.sizes(), ..FactType::List(made.ty.into()).into() })
            }
            _ => Err((id, RuleFault::Unsupported("this macro"))),
        }
    }

    /// The element that a `map` or `filter` step appends: the `x` of `@result + [x]`.
    fn infer_appended(&mut self, id: u64, step: &IdedExpr) -> Result<Typed, FaultAt> {
        if let Expr::Call(add) = &step.expr
            && let [_, list] = add.args.as_slice()
            && let Expr::List(list) = &list.expr
            && let [element] = list.elements.as_slice()
        {
            return self.infer_place(element);
        }
        Err((id, RuleFault::Unsupported("this macro")))
    }

    fn expect(&mut self, expr: &IdedExpr, ty: &FactType) -> Result<Typed, FaultAt> {
        let typed = self.infer(expr)?;
        if typed.ty.is_comparable_to(ty) {
            Ok(typed)
        } else {
            Err((expr.id, wrong_type(&ty.to_string(), &typed.ty)))
        }
    }

    fn infer_call(&mut self, id: u64, call: &CallExpr) -> Result<Typed, FaultAt> {
        let mut parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().collect();
        parts.extend(&call.args);
        let member = call.target.is_some();
        match (call.func_name.as_str(), member, parts.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, false, [a, b]) => {
                self.expect(a, &FactType::Bool)?;
                self.expect(b, &FactType::Bool)
            }
            (operators::LOGICAL_NOT, false, [a]) => self.expect(a, &FactType::Bool),
            (operators::CONDITIONAL, false, [condition, yes, no]) => {
                self.expect(condition, &FactType::Bool)?;
                let yes = self.infer(yes)?;
                let no = self.expect(no, &yes.ty)?;
                let sizes = match yes.ty {
                    FactType::List(_) => [yes.sizes(), no.sizes()].concat(),
                    _ => Vec::new(),
                };
                Ok(Typed { sizes, ..yes.ty.into() })
            }
            (operators::EQUALS | operators::NOT_EQUALS, false, [a, b]) => {
                self.infer_equality(id, a, b)
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                false,
                [a, b],
            ) => self.infer_order(id, a, b),
            (operators::IN, false, [a, b]) => self.infer_membership(id, a, b),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                false,
                [a, b],
            ) => {
                self.expect(a, &FactType::Int)?;
                self.expect(b, &FactType::Int)
            }
            (operators::NEGATE, false, [a]) => self.expect(a, &FactType::Int),
            (operators::INDEX, ..) => Err((id, RuleFault::Unsupported("an index"))),
            ("size", _, [a]) => {
                let of = self.infer(a)?;
                match of.ty {
                    FactType::List(_) | FactType::Text(_) => Ok(FactType::Int.into()),
                    other => Err((a.id, wrong_type("list or string", &other))),
                }
            }
            ("startsWith" | "endsWith" | "contains", true, [text, part]) => {
                self.expect(text, &FactType::text())?;
                self.expect(part, &FactType::text())?;
                Ok(FactType::Bool.into())
            }
            ("matches", true, [text, pattern]) => {
                self.expect(text, &FactType::text())?;
                let pattern_type = self.expect(pattern, &FactType::text())?;
                let written = pattern_type
                    .literal
                    .ok_or((pattern.id, RuleFault::Pattern("it must be written out".to_owned())))?;
                regex::Regex::new(&written)
                    .map_err(|error| (pattern.id, RuleFault::Pattern(error.to_string())))?;
                Ok(FactType::Bool.into())
            }
            ("versionCmp", false, [a, b]) => {
                self.expect(a, &FactType::text())?;
                self.expect(b, &FactType::text())?;
                Ok(FactType::Int.into())
            }
            (name, ..) => Err((id, RuleFault::NoSuchFunction(name.to_owned()))),
        }
    }

    fn infer_equality(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let left = self.infer(a)?;
        let right = self.infer(b)?;
        if !left.ty.is_comparable_to(&right.ty) {
            return Err((
                id,
                RuleFault::IncomparableTypes(left.ty.to_string(), right.ty.to_string()),
            ));
        }
        if matches!(left.ty, FactType::Record(_)) {
            return Err((id, RuleFault::Unsupported("a comparison of records")));
        }
        verify_literal(&left.ty, b, &right)?;
        verify_literal(&right.ty, a, &left)?;
        if let FactType::List(_) = left.ty {
            self.loops.record(id, left.sizes());
        }
        Ok(FactType::Bool.into())
    }

    fn infer_order(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let left = self.infer(a)?;
        let right = self.infer(b)?;
        match (&left.ty, &right.ty) {
            (FactType::Int, FactType::Int) | (FactType::Double, FactType::Double) => {
                Ok(FactType::Bool.into())
            }
            (FactType::Text(_), FactType::Text(_)) => Err((id, RuleFault::OrderOfTexts)),
            (left, right) => {
                Err((id, RuleFault::IncomparableTypes(left.to_string(), right.to_string())))
            }
        }
    }

    fn infer_membership(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let item = self.infer(a)?;
        let list = self.expect(b, &FactType::List(item.ty.clone().into()))?;
        self.loops.record(id, list.sizes());
        if let FactType::List(element) = &list.ty {
            verify_literal(element, a, &item)?;
        }
        if let Expr::List(written) = &b.expr {
            for element in &written.elements {
                // What is no literal was verified with the list, and once: a second time for each
                // list inside a list would be twice as long for each.
                if let Expr::Literal(literal) = &element.expr
                    && let Some(typed) = literal_type(literal)
                {
                    verify_literal(&item.ty, element, &typed)?;
                }
            }
        }
        Ok(FactType::Bool.into())
    }
}

/// Refuses a text that is written out but that the facts never say.
fn verify_literal(ty: &FactType, expr: &IdedExpr, typed: &Typed) -> Result<(), FaultAt> {
    let (FactType::Text(known), Some(literal)) = (ty, &typed.literal) else { return Ok(()) };
    if known.is_empty() || known.contains(literal) {
        return Ok(());
    }
    Err((
        expr.id,
        RuleFault::UnknownValue {
            value: literal.clone(),
            nearest: closest_match(literal, known.iter().map(String::as_str)).map(str::to_owned),
            known: known.to_vec(),
        },
    ))
}

fn literal_type(literal: &LiteralValue) -> Option<Typed> {
    Some(match literal {
        LiteralValue::Boolean(_) => FactType::Bool.into(),
        LiteralValue::Int(_) => FactType::Int.into(),
        LiteralValue::Double(_) => FactType::Double.into(),
        LiteralValue::String(text) => {
            Typed { literal: Some(text.inner().to_owned()), ..FactType::text().into() }
        }
        LiteralValue::UInt(_) | LiteralValue::Bytes(_) | LiteralValue::Null => return None,
    })
}

fn members(ty: &FactType) -> Vec<&str> {
    match ty {
        FactType::Record(members) => members.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wrong_type(expected: &str, found: &FactType) -> RuleFault {
    RuleFault::WrongType { expected: expected.to_owned(), found: found.to_string() }
}
