//! Verifies a compiled rule against the types of the facts, so that a typo is an error where the
//! rule is written and never a surprise where it is used.
//!
//! Not for evaluation. What is refused here is refused although CEL would accept it: CEL compares
//! a string with a number and says false, and `has()` turns what could not be read into false.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::{IdedExpr, Program};

use super::fault::{Fault, MOST_DEPTH};
use super::schema::Type;
use super::steps::{Loops, Size};
use crate::facts::MAX_ITEMS;
use crate::yaml::closest_match;

/// A fault and the node it was found at.
pub type FaultAt = (u64, Fault);

/// The paths of facts a verified rule speaks of; `[]` stands for every element of a list.
pub type Paths = BTreeSet<String>;

/// Verifies `program`, whose names are the members of `facts`, and lists the facts it speaks of
/// and the loops it has.
pub fn verify(program: &Program, facts: &Type) -> Result<(Paths, Loops), FaultAt> {
    let root = program.expression();
    let mut checker = Checker {
        facts,
        scope: Vec::new(),
        paths: Paths::new(),
        lists: Vec::new(),
        loops: Loops::default(),
        outermost: None,
        depth: 0,
    };
    let typed = checker.infer(root)?;
    if typed.ty != Type::Bool {
        return Err((root.id, Fault::NotBool(typed.ty.to_string())));
    }
    for (id, list) in &checker.lists {
        let complete = format!("{list}.complete");
        if !checker.paths.contains(&complete) {
            return Err((*id, Fault::Incomplete(complete)));
        }
    }
    if let Some(steps) = checker.loops.too_many_written(root) {
        return Err((checker.outermost.unwrap_or(root.id), Fault::TooManySteps(steps)));
    }
    Ok((checker.paths, checker.loops))
}

/// What is known about a part of the expression.
#[derive(Clone)]
struct Typed {
    ty: Type,
    /// The fact it is, when it is one.
    path: Option<String>,
    /// The text it is, when it is written out.
    literal: Option<String>,
    /// How long it may be, when it is a list that is no fact.
    sizes: Vec<Size>,
}

impl From<Type> for Typed {
    fn from(ty: Type) -> Self {
        Self { ty, path: None, literal: None, sizes: Vec::new() }
    }
}

impl Typed {
    fn fact(ty: Type, path: Option<String>) -> Self {
        Self { path, ..ty.into() }
    }

    /// How long the list may be.
    fn sizes(&self) -> Vec<Size> {
        match &self.path {
            _ if !self.sizes.is_empty() => self.sizes.clone(),
            Some(path) => vec![Size::Fact(path.clone())],
            // An element of a list that a rule made.
            None => vec![Size::Written(MAX_ITEMS as u64)],
        }
    }
}

struct Checker<'a> {
    facts: &'a Type,
    /// Loop variables, innermost last.
    scope: Vec<(String, Typed)>,
    paths: Paths,
    /// Lists that must not be judged unless they are complete, with where they are spoken of.
    lists: Vec<(u64, String)>,
    loops: Loops,
    /// The first loop that is in no other.
    outermost: Option<u64>,
    /// How deep the expression is that is being looked at.
    depth: usize,
}

impl Checker<'_> {
    /// The type of an expression whose value is used.
    fn infer(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        let typed = self.place(expr)?;
        if let Some(path) = &typed.path {
            self.paths.insert(path.clone());
        }
        Ok(typed)
    }

    /// The type of an expression of which perhaps only a member is used. The parser bounds what
    /// stands in brackets, and not what is strung together: `1 + 1 + 1`.
    fn place(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        if self.depth == MOST_DEPTH {
            return Err((expr.id, Fault::TooDeep));
        }
        self.depth += 1;
        let typed = self.place_inside(expr);
        self.depth -= 1;
        typed
    }

    fn place_inside(&mut self, expr: &IdedExpr) -> Result<Typed, FaultAt> {
        match &expr.expr {
            Expr::Literal(literal) => {
                literal_type(literal).ok_or((expr.id, Fault::Refused("null")))
            }
            Expr::Ident(name) => self.name(expr.id, name),
            Expr::Select(select) if select.test => Err((expr.id, Fault::Has)),
            Expr::Select(select) => {
                let of = self.place(&select.operand)?;
                self.member(expr.id, &of, &select.field)
            }
            Expr::List(list) => {
                let mut item = Type::Nothing;
                for element in &list.elements {
                    let typed = self.infer(element)?;
                    if !item.fits(&typed.ty) {
                        return Err((element.id, wrong(&item.to_string(), &typed.ty)));
                    }
                    item = typed.ty;
                }
                let sizes = vec![Size::Written(list.elements.len() as u64)];
                Ok(Typed { sizes, ..Type::List(item.into()).into() })
            }
            Expr::Comprehension(comprehension) => self.comprehension(expr.id, comprehension),
            Expr::Call(call) => self.call(expr.id, call),
            Expr::Map(_) => Err((expr.id, Fault::Refused("a map"))),
            Expr::Struct(_) => Err((expr.id, Fault::Refused("a struct"))),
            Expr::Unspecified => Err((expr.id, Fault::Refused("nothing"))),
        }
    }

    fn name(&self, id: u64, name: &str) -> Result<Typed, FaultAt> {
        if let Some((_, typed)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(typed.clone());
        }
        match self.facts.member(name) {
            Some(ty) => Ok(Typed::fact(ty.clone(), Some(name.to_owned()))),
            None => {
                let mut known: Vec<&str> = self.scope.iter().map(|(name, _)| &**name).collect();
                known.extend(members(self.facts));
                Err((id, Fault::unknown_name(name, &known)))
            }
        }
    }

    fn member(&mut self, id: u64, of: &Typed, field: &str) -> Result<Typed, FaultAt> {
        let Type::Record(known) = &of.ty else {
            return Err((id, Fault::NoMembers { of: of.ty.to_string(), member: field.to_owned() }));
        };
        let Some(ty) = known.get(field) else {
            return Err((
                id,
                Fault::NoSuchMember {
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
    fn comprehension(&mut self, id: u64, it: &ComprehensionExpr) -> Result<Typed, FaultAt> {
        let range = self.infer(&it.iter_range)?;
        let Type::List(item) = &range.ty else {
            return Err((it.iter_range.id, wrong("list", &range.ty)));
        };
        let path = range.path.as_ref().map(|path| format!("{path}[]"));
        let variable = Typed::fact((**item).clone(), path);
        self.outermost.get_or_insert(id);
        self.loops.note(id, range.sizes());
        self.scope.push((it.iter_var.clone(), variable));
        let typed = self.body(id, it, &range);
        self.scope.pop();
        typed
    }

    /// The type of a macro's value. The accumulator of an expansion cannot be written in CEL, so
    /// its start and step tell which macro it was.
    fn body(&mut self, id: u64, it: &ComprehensionExpr, range: &Typed) -> Result<Typed, FaultAt> {
        let Expr::Call(step) = &it.loop_step.expr else {
            return Err((id, Fault::Refused("this macro")));
        };
        match (&it.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
            (
                Expr::Literal(LiteralValue::Boolean(_)),
                operators::LOGICAL_AND | operators::LOGICAL_OR,
                [_, predicate],
            ) => {
                self.expect(predicate, &Type::Bool)?;
                Ok(Type::Bool.into())
            }
            (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [predicate, ..]) => {
                self.expect(predicate, &Type::Bool)?;
                Ok(Type::Bool.into())
            }
            (Expr::List(_), operators::CONDITIONAL, [predicate, appended, _]) => {
                self.expect(predicate, &Type::Bool)?;
                let kept = self.appended(id, appended)?;
                // A filtered list is still made of the same facts.
                let same = kept.path.is_some_and(|kept| {
                    range.path.as_ref().is_some_and(|path| kept == format!("{path}[]"))
                });
                let path = range.path.clone().filter(|_| same);
                Ok(Typed { path, sizes: range.sizes(), ..Type::List(kept.ty.into()).into() })
            }
            (Expr::List(_), operators::ADD, _) => {
                let made = self.appended(id, &it.loop_step)?;
                Ok(Typed { sizes: range.sizes(), ..Type::List(made.ty.into()).into() })
            }
            _ => Err((id, Fault::Refused("this macro"))),
        }
    }

    /// The element that a `map` or `filter` step appends: the `x` of `@result + [x]`.
    fn appended(&mut self, id: u64, step: &IdedExpr) -> Result<Typed, FaultAt> {
        if let Expr::Call(add) = &step.expr
            && let [_, list] = add.args.as_slice()
            && let Expr::List(list) = &list.expr
            && let [element] = list.elements.as_slice()
        {
            return self.place(element);
        }
        Err((id, Fault::Refused("this macro")))
    }

    fn expect(&mut self, expr: &IdedExpr, ty: &Type) -> Result<Typed, FaultAt> {
        let typed = self.infer(expr)?;
        if typed.ty.fits(ty) {
            Ok(typed)
        } else {
            Err((expr.id, wrong(&ty.to_string(), &typed.ty)))
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Result<Typed, FaultAt> {
        let mut parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().collect();
        parts.extend(&call.args);
        let member = call.target.is_some();
        match (call.func_name.as_str(), member, parts.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, false, [a, b]) => {
                self.expect(a, &Type::Bool)?;
                self.expect(b, &Type::Bool)
            }
            (operators::LOGICAL_NOT, false, [a]) => self.expect(a, &Type::Bool),
            (operators::CONDITIONAL, false, [condition, yes, no]) => {
                self.expect(condition, &Type::Bool)?;
                let yes = self.infer(yes)?;
                let no = self.expect(no, &yes.ty)?;
                let sizes = match yes.ty {
                    Type::List(_) => [yes.sizes(), no.sizes()].concat(),
                    _ => Vec::new(),
                };
                Ok(Typed { sizes, ..yes.ty.into() })
            }
            (operators::EQUALS | operators::NOT_EQUALS, false, [a, b]) => self.equality(id, a, b),
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                false,
                [a, b],
            ) => self.order(id, a, b),
            (operators::IN, false, [a, b]) => self.membership(id, a, b),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                false,
                [a, b],
            ) => {
                self.expect(a, &Type::Int)?;
                self.expect(b, &Type::Int)
            }
            (operators::NEGATE, false, [a]) => self.expect(a, &Type::Int),
            (operators::INDEX, ..) => Err((id, Fault::Refused("an index"))),
            ("size", _, [a]) => {
                let of = self.infer(a)?;
                match of.ty {
                    Type::List(_) | Type::Text(_) => Ok(Type::Int.into()),
                    other => Err((a.id, wrong("list or string", &other))),
                }
            }
            ("startsWith" | "endsWith" | "contains", true, [text, part]) => {
                self.expect(text, &Type::text())?;
                self.expect(part, &Type::text())?;
                Ok(Type::Bool.into())
            }
            ("matches", true, [text, pattern]) => {
                self.expect(text, &Type::text())?;
                let pattern_type = self.expect(pattern, &Type::text())?;
                let written = pattern_type
                    .literal
                    .ok_or((pattern.id, Fault::Pattern("it must be written out".to_owned())))?;
                regex::Regex::new(&written)
                    .map_err(|error| (pattern.id, Fault::Pattern(error.to_string())))?;
                Ok(Type::Bool.into())
            }
            ("versionCmp", false, [a, b]) => {
                self.expect(a, &Type::text())?;
                self.expect(b, &Type::text())?;
                Ok(Type::Int.into())
            }
            (name, ..) => Err((id, Fault::NoSuchFunction(name.to_owned()))),
        }
    }

    fn equality(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let left = self.infer(a)?;
        let right = self.infer(b)?;
        if !left.ty.fits(&right.ty) {
            return Err((id, Fault::Uncomparable(left.ty.to_string(), right.ty.to_string())));
        }
        if matches!(left.ty, Type::Record(_)) {
            return Err((id, Fault::Refused("a comparison of records")));
        }
        spelled(&left.ty, b, &right)?;
        spelled(&right.ty, a, &left)?;
        if let Type::List(_) = left.ty {
            self.loops.note(id, left.sizes());
        }
        Ok(Type::Bool.into())
    }

    fn order(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let left = self.infer(a)?;
        let right = self.infer(b)?;
        match (&left.ty, &right.ty) {
            (Type::Int, Type::Int) | (Type::Double, Type::Double) => Ok(Type::Bool.into()),
            (Type::Text(_), Type::Text(_)) => Err((id, Fault::OrderOfTexts)),
            (left, right) => Err((id, Fault::Uncomparable(left.to_string(), right.to_string()))),
        }
    }

    fn membership(&mut self, id: u64, a: &IdedExpr, b: &IdedExpr) -> Result<Typed, FaultAt> {
        let item = self.infer(a)?;
        let list = self.expect(b, &Type::List(item.ty.clone().into()))?;
        self.loops.note(id, list.sizes());
        if let Type::List(element) = &list.ty {
            spelled(element, a, &item)?;
        }
        if let Expr::List(written) = &b.expr {
            for element in &written.elements {
                // What is no literal was verified with the list, and once: a second time for each
                // list inside a list would be twice as long for each.
                if let Expr::Literal(literal) = &element.expr
                    && let Some(typed) = literal_type(literal)
                {
                    spelled(&item.ty, element, &typed)?;
                }
            }
        }
        Ok(Type::Bool.into())
    }
}

/// Refuses a text that is written out but that the facts never say.
fn spelled(ty: &Type, expr: &IdedExpr, typed: &Typed) -> Result<(), FaultAt> {
    let (Type::Text(known), Some(literal)) = (ty, &typed.literal) else { return Ok(()) };
    if known.is_empty() || known.contains(literal) {
        return Ok(());
    }
    Err((
        expr.id,
        Fault::NeverSaid {
            value: literal.clone(),
            nearest: closest_match(literal, known.iter().map(String::as_str)).map(str::to_owned),
            known: known.to_vec(),
        },
    ))
}

fn literal_type(literal: &LiteralValue) -> Option<Typed> {
    Some(match literal {
        LiteralValue::Boolean(_) => Type::Bool.into(),
        LiteralValue::Int(_) => Type::Int.into(),
        LiteralValue::Double(_) => Type::Double.into(),
        LiteralValue::String(text) => {
            Typed { literal: Some(text.inner().to_owned()), ..Type::text().into() }
        }
        LiteralValue::UInt(_) | LiteralValue::Bytes(_) | LiteralValue::Null => return None,
    })
}

fn members(ty: &Type) -> Vec<&str> {
    match ty {
        Type::Record(members) => members.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wrong(expected: &str, found: &Type) -> Fault {
    Fault::WrongType { expected: expected.to_owned(), found: found.to_string() }
}
