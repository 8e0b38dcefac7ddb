//! What stands between a client and a registry, and what only looks like one.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /v2/`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers of somebody who is no registry, and what was asked of him.
pub(crate) struct Mock {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Mock {
    /// `answer` writes what it likes; the connection is closed after it.
    pub(crate) fn start(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    if let Some(request) = read(&mut stream) {
                        kept.lock().expect("a lock").push(request.clone());
                        answer(&request, &mut stream);
                        let _ = stream.shutdown(Shutdown::Write);
                        let _ = stream.read_to_end(&mut Vec::new());
                    }
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a lock").clone()
    }
}

/// The head of a request; its body stays in the stream.
fn read(stream: &mut TcpStream) -> Option<Seen> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        // What speaks TLS begins like this.
        if head.first() == Some(&22) || stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Some(Seen { line, headers })
}

/// A whole answer.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// The body of a request, which its length announces.
pub(crate) fn body(request: &Seen, stream: &mut TcpStream) -> String {
    let length = request.header("content-length").map_or(0, |text| text.parse().expect("a length"));
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).expect("a body");
    String::from_utf8(bytes).expect("text")
}

/// An HTTP proxy which takes every host for the one at `port`, and lets in who says `authorization`.
pub(crate) fn proxy(port: u16, authorization: Option<&'static str>) -> Mock {
    Mock::start(move |request, client| {
        if request.header("proxy-authorization") != authorization {
            let header = "Proxy-Authenticate: Basic realm=\"proxy\"\r\n";
            return answer(client, "407 Proxy Authentication Required", header, b"");
        }
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return };
        if request.line.starts_with("CONNECT ") {
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        } else {
            let headers = request.headers.iter().filter(|(name, _)| !name.starts_with("proxy-"));
            let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!("{} HTTP/1.1\r\n{}\r\n", request.line, headers.concat());
            let _ = server.write_all(head.as_bytes());
        }
        let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
        let up = thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut server, client);
        let _ = client.shutdown(Shutdown::Both);
        let _ = up.join();
    })
}

/// A proxy that cuts connections after so many bytes, a few times, and counts what went through.
pub(crate) struct Cutter {
    pub(crate) port: u16,
    down: Arc<AtomicU64>,
    up: Arc<AtomicU64>,
}

impl Cutter {
    /// In front of `port`. The first `cuts` connections that carry `after` bytes, down or up, are cut there.
    pub(crate) fn start(port: u16, after: u64, cuts: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let (down, up) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let cuts = Arc::new(AtomicUsize::new(cuts));
        let counts = (Arc::clone(&down), Arc::clone(&up));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to, count) in [(&server, &client, &counts.0), (&client, &server, &counts.1)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let (count, cuts) = (Arc::clone(count), Arc::clone(&cuts));
                    thread::spawn(move || pass(from, to, after, &count, &cuts));
                }
            }
        });
        Self { port: own, down, up }
    }

    pub(crate) fn down(&self) -> u64 {
        self.down.load(Ordering::SeqCst)
    }

    pub(crate) fn up(&self) -> u64 {
        self.up.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, after: u64, count: &AtomicU64, cuts: &AtomicUsize) {
    let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
        count.fetch_add(length as u64, Ordering::SeqCst);
        passed += length as u64;
        let take = |cuts: usize| cuts.checked_sub(1);
        if passed >= after && cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
