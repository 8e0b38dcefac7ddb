//! The service of the loop (`cargo xtask loop`): one program without libraries, so that an image of it has this file and little else.
//!
//! | | |
//! |---|---|
//! | `app serve` | answers HTTP on 127.0.0.1:`$PORT`: `/` says the version (of `/etc/version`), `/health` whether it works |
//! | `app check` | asks the `/health` of 127.0.0.1:`$PORT`; ends with 0 where it is 200. The health check of its releases |
//! | `app proxy PORT FILE` | forwards connections to the endpoints that FILE names, one after the other |
//! | `app route FILE` | a traffic hook: writes what it reads into FILE, and waits until the proxy does it |
//! | `app ask PORT FILE` | asks the proxy without a break until FILE is there; prints what it got how often |

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{self, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything on the network may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often files are looked at.
const PERIOD: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        ["serve"] => serve(),
        ["check"] => check(),
        ["proxy", port, file] => proxy(port, Path::new(file)),
        ["route", file] => route(Path::new(file)),
        ["ask", port, file] => ask(port, Path::new(file)),
        _ => Err(io::Error::other("usage: app serve | check | proxy PORT FILE | route FILE | ask PORT FILE")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("app: {error}");
            ExitCode::FAILURE
        }
    }
}

fn port() -> io::Result<u16> {
    let text = env::var("PORT").map_err(|_| io::Error::other("PORT is not set"))?;
    number(&text)
}

fn number(text: &str) -> io::Result<u16> {
    text.parse().map_err(|_| io::Error::other(format!("`{text}` is no port")))
}

fn serve() -> io::Result<()> {
    // Where it is not in a root filesystem of its own, it is told where its files are.
    let root = env::var("CASTLINE_ROOT").unwrap_or_default();
    let version = fs::read_to_string(format!("{root}/etc/version")).unwrap_or_else(|_| "unknown".into());
    let version = version.trim().to_owned();
    // A fault that shows only once it runs.
    let works = !version.contains("broken");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port()?))?;
    for stream in listener.incoming() {
        let (stream, version) = (stream?, version.clone());
        thread::spawn(move || answer(&stream, &version, works));
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, version: &str, works: bool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(stream).take(8192);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let (status, body) = match first.split(' ').nth(1) {
        Some("/health") if works => ("200 OK", "well"),
        Some("/health") => ("503 Service Unavailable", "it cannot reach its database"),
        _ => ("200 OK", version),
    };
    let length = body.len() + 1;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}\n")
}

/// The status and body of an answer.
fn request(port: u16, path: &str) -> io::Result<(String, String)> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(8192).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no answer"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    Ok((status.to_owned(), body.trim().to_owned()))
}

fn check() -> io::Result<()> {
    let (status, body) = request(port()?, "/health")?;
    if status == "200" { Ok(()) } else { Err(io::Error::other(format!("{status}: {body}"))) }
}

/// The addresses of a membership: the values of `"address"`, which are ports on this machine.
fn endpoints(membership: &str) -> Vec<u16> {
    let after = membership.split("\"address\":").skip(1);
    let address = after.filter_map(|rest| rest.split('"').nth(1));
    address.filter_map(|address| address.rsplit(':').next()?.parse().ok()).collect()
}

/// Where traffic goes, and how many connections each endpoint has.
#[derive(Default)]
struct Routes {
    endpoints: Vec<u16>,
    busy: BTreeMap<u16, Arc<AtomicUsize>>,
    next: usize,
}

fn proxy(port: &str, file: &Path) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number(port)?))?;
    let routes: Arc<Mutex<Routes>> = Arc::default();
    let (watched, file) = (Arc::clone(&routes), file.to_owned());
    thread::spawn(move || follow(&file, &watched));
    for client in listener.incoming() {
        let (client, routes) = (client?, Arc::clone(&routes));
        thread::spawn(move || forward(&client, &routes));
    }
    Ok(())
}

/// Does what the file says, and says so beside it once nothing goes to those that are not in it any more.
fn follow(file: &Path, routes: &Mutex<Routes>) -> ! {
    let mut said = String::new();
    // Who removes the folder that it was started in has no more use for it.
    while env::current_dir().is_ok() {
        let wanted = fs::read_to_string(file).unwrap_or_default();
        if !wanted.is_empty() && wanted != said {
            let endpoints = endpoints(&wanted);
            let others_idle = {
                let mut routes = routes.lock().expect("no thread panics with it");
                routes.endpoints.clone_from(&endpoints);
                let others = routes.busy.iter().filter(|(port, _)| !endpoints.contains(port));
                others.map(|(_, busy)| busy.load(Ordering::SeqCst)).sum::<usize>() == 0
            };
            if others_idle && fs::write(file.with_extension("done"), &wanted).is_ok() {
                said = wanted;
            }
        }
        thread::sleep(PERIOD);
    }
    process::exit(0)
}

fn forward(client: &TcpStream, routes: &Mutex<Routes>) -> io::Result<()> {
    let (port, busy) = {
        let mut routes = routes.lock().expect("no thread panics with it");
        if routes.endpoints.is_empty() {
            return Ok(());
        }
        routes.next = (routes.next + 1) % routes.endpoints.len();
        let port = routes.endpoints[routes.next];
        let busy = Arc::clone(routes.busy.entry(port).or_default());
        busy.fetch_add(1, Ordering::SeqCst);
        (port, busy)
    };
    let copied = copy_both(client, port);
    busy.fetch_sub(1, Ordering::SeqCst);
    copied
}

fn copy_both(client: &TcpStream, port: u16) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    for stream in [client, &server] {
        stream.set_read_timeout(Some(PATIENCE))?;
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*client, &mut &server);
            let _ = server.shutdown(std::net::Shutdown::Write);
        });
        let copied = io::copy(&mut &server, &mut &*client).map(drop);
        let _ = client.shutdown(std::net::Shutdown::Both);
        copied
    })
}

fn route(file: &Path) -> io::Result<()> {
    let mut membership = String::new();
    io::stdin().read_to_string(&mut membership)?;
    let (draft, done) = (file.with_extension("new"), file.with_extension("done"));
    fs::write(&draft, &membership)?;
    fs::rename(&draft, file)?;
    let began = Instant::now();
    while fs::read_to_string(&done).ok().as_ref() != Some(&membership) {
        if began.elapsed() > PATIENCE {
            return Err(io::Error::other("the proxy does not do it"));
        }
        thread::sleep(PERIOD);
    }
    Ok(())
}

fn ask(port: &str, until: &Path) -> io::Result<()> {
    let port = number(port)?;
    let (mut answers, mut dropped) = (BTreeMap::<String, u64>::new(), 0_u64);
    while !until.exists() && env::current_dir().is_ok() {
        match request(port, "/") {
            Ok((status, body)) if status == "200" => *answers.entry(body).or_default() += 1,
            _ => dropped += 1,
        }
        thread::sleep(Duration::from_millis(2));
    }
    for (answer, times) in answers {
        println!("{times} requests answered by {answer}");
    }
    println!("{dropped} requests dropped");
    Ok(())
}
